import { CallEventSchema } from '@calltally/contract';
import Type from 'typebox';
import { EVENTS_MAX, JSON_TYPES, LINES_TYPES } from '../calls/events-of-body.ts';
import { errorBody, SharedErrors } from './error-responses.ts';

const Result = Type.Object({
  index: Type.Integer({
    minimum: 0,
    description: 'place of the event in the request, from 0; blank lines do not count',
  }),
  status: Type.Integer({ description: '202 accepted; 400 invalid; 403 of another user' }),
  code: Type.Optional(
    Type.String({ description: 'why it was refused, as docs/events.md lists it, or `OTHER_USER`' }),
  ),
  field: Type.Optional(Type.String({ description: 'the field at fault' })),
  message: Type.Optional(Type.String({ description: 'for people: the fault and the remedy' })),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });

const Data = Type.Object({
  accepted: count('events that are stored and will be counted'),
  rejected: count('events that were refused; nothing of them is stored'),
  results: Type.Optional(Type.Array(Result, { description: 'each event; only where some were refused' })),
});

const accepted = (description: string) =>
  Type.Object({ success: Type.Literal(true), message: Type.String(), data: Data }, { description });
const refused = (description: string, status: number) => {
  const { properties } = errorBody('', status);
  return Type.Object({ ...properties, data: Type.Optional(Data) }, { description });
};

const Batch = Type.Array(CallEventSchema, { minItems: 1, maxItems: EVENTS_MAX });
const Lines = Type.String({ description: `An event on each line, at most ${EVENTS_MAX}.` });
const bodies = {
  [JSON_TYPES[0]]: { schema: { anyOf: [CallEventSchema, Batch] } },
  [JSON_TYPES[1]]: {
    schema: { type: 'object', description: 'A CloudEvent 1.0 whose `data` is a call event.' },
  },
  [JSON_TYPES[2]]: { schema: { type: 'array', items: { type: 'object' }, description: 'Several of them.' } },
  ...Object.fromEntries(LINES_TYPES.map((type) => [type, { schema: Lines }])),
};

export const CallsSchema = {
  operationId: 'sendCalls',
  summary: 'Send completed calls',
  description:
    'One event, an array of them, or one on each line; gzip is unpacked. Answered once all in-sync replicas of Kafka have ' +
    'them. The same request may be sent again at will: no call is counted twice.',
  tags: ['calls'],
  security: [{ apiKey: [] }],
  body: { content: bodies },
  response: {
    202: accepted('All events are stored.'),
    207: accepted('Some events are stored, the others were refused: see `results`.'),
    400: refused('The body cannot be read, or every event was refused.', 400),
    401: errorBody('No API key, or one that is not valid.', 401),
    403: refused('The key may not send calls, or not those of these users.', 403),
    415: errorBody('The body is of a type or encoding that is not read.', 400),
    ...SharedErrors,
  },
};
