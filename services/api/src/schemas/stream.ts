import Type from 'typebox';
import { DashboardQuery } from './dashboard.ts';
import { ErrorResponses } from './error-responses.ts';

const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      description: 'The `id` of the figures that the client has; they are not sent again while they hold.',
    }),
  ),
});

const STREAM = `Server-Sent Events.

- \`dashboard\`, with an \`id\`: the dashboard's \`data\`, at once, whenever it changes and when the UTC day turns, at most 4 a second.
- \`heartbeat\`: \`{"as_of": …}\`, behind the first figures and every 5 seconds: everything that producers had acknowledged by then is in the figures; null while unknown.
- \`reconnect\`: the stream has had its time, ten to twenty minutes; it closes. Connect again at once, as an EventSource does.
- \`end\`: \`{"code": …, "message": …}\`: the key is no longer valid. Do not connect again.`;

/** Each event of the stream, its fields as texts. */
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
  summary: 'The same figures, and again whenever they change',
  description:
    'The dashboard of the same query as a stream of events. The range is applied anew for each of them, so one ' +
    'without an end goes on to now.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: DashboardQuery,
  headers: StreamHeaders,
  response: {
    200: {
      description: 'The stream, open until one of the two ends it.',
      content: { 'text/event-stream': { schema: StreamEvent } },
    },
    ...ErrorResponses,
  },
};
