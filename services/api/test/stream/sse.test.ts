import fc from 'fast-check';
import { test } from 'tap';
import { ApiError } from '../../src/api-error.ts';
import { dashboardEvent, endEvent, heartbeatEvent, PREAMBLE } from '../../src/stream/sse.ts';
import { eventsOf } from './support.ts';

test('any text is sent as one event, and arrives unchanged', (t) => {
  const texts = fc.string({
    unit: fc.constantFrom('\n', '\r', ':', ' ', '\u2028', '\u0000', 'data', 'ü', '"', '\\'),
  });
  fc.assert(
    fc.property(texts, fc.jsonValue(), (message, data) => {
      const { body } = new ApiError('INVALID_API_KEY', { message });
      const sent =
        PREAMBLE + dashboardEvent('an-id_1', JSON.stringify(data)) + endEvent(body) + heartbeatEvent(0);
      const { events, rest } = eventsOf(sent);
      t.equal(rest, '');
      t.strictSame(events, [
        { event: 'dashboard', id: 'an-id_1', data: JSON.parse(JSON.stringify(data)) },
        { event: 'end', id: undefined, data: { code: 'INVALID_API_KEY', message } },
        { event: 'heartbeat', id: undefined, data: { as_of: '1970-01-01T00:00:00Z' } },
      ]);
    }),
    { numRuns: 200 },
  );
  t.end();
});

test('an unknown as-of is null', (t) => {
  t.equal(heartbeatEvent(undefined), 'event: heartbeat\ndata: {"as_of":null}\n\n');
  t.end();
});
