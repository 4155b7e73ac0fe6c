import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error-responses.ts';
import { filterParameters } from './filter-parameters.ts';
import { rangeParameters } from './range-parameters.ts';

export const StreamQuery = Type.Object({ ...rangeParameters, ...filterParameters });
export type StreamQuery = Static<typeof StreamQuery>;

const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      description: 'The `id` of the figures that the client has. They are not sent again until they change.',
    }),
  ),
});

const STREAM = `Server-Sent Events.

- \`dashboard\`, with an \`id\`: the dashboard's \`data\`, at once, whenever it changes and when a new day begins, at most 4 a second.
- \`heartbeat\`: \`{"as_of": …}\`, after the first figures and every 5 seconds: every call acknowledged to a producer by then is in the figures; null while unknown.
- \`reconnect\`: the stream has reached its maximum age, ten to twenty minutes, or the process ends soon. It closes. Connect again at once, as an EventSource does.
- \`end\`: \`{"code": …, "message": …}\`: the key is no longer valid. Do not connect again.`;

/** An event of the stream, its fields as strings. */
const StreamEvent = Type.Object(
  {
    event: Type.Enum(['dashboard', 'heartbeat', 'reconnect', 'end']),
    data: Type.String({ contentMediaType: 'application/json' }),
    id: Type.Optional(Type.String()),
  },
  { description: STREAM },
);

export const StreamSchema = {
  operationId: 'streamDashboard',
  summary: 'The dashboard, sent again whenever it changes',
  description:
    'The dashboard of the same query as a stream of events. The range is resolved again for each event, so without ' +
    'an end_date it always ends now, and a period moves with the clock.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: StreamQuery,
  headers: StreamHeaders,
  response: {
    200: {
      description: 'The stream, open until the client or the server ends it.',
      content: { 'text/event-stream': { schema: StreamEvent } },
    },
    ...ErrorResponses,
  },
};
