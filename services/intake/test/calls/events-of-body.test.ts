import fc from 'fast-check';
import { test } from 'tap';
import { EVENTS_MAX, eventsOfBody } from '../../src/calls/events-of-body.ts';

const JSON_TYPE = 'application/json';
const LINES_TYPE = 'application/x-ndjson';
const bytes = (text: string) => Buffer.from(text);

test('any events in any form are found, in their order', (t) => {
  const event = fc.record({ call_id: fc.string(), n: fc.integer() }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 50 }), fc.boolean(), (events, blank) => {
      const lines = events.map((one) => JSON.stringify(one) + (blank ? '\r\n \n' : '\n')).join('');
      const read = (body: string, type: string) => eventsOfBody(bytes(body), type).map((one) => one.event);
      t.strictSame(read(JSON.stringify(events), JSON_TYPE), events);
      t.strictSame(read(lines, LINES_TYPE), events);
      t.strictSame(read(lines.trimEnd(), `${LINES_TYPE.toUpperCase()}; charset=utf-8`), events);
      const cloud = events.map((data) => ({ specversion: '1.0', data }));
      t.strictSame(read(JSON.stringify(cloud), 'application/cloudevents-batch+json'), events);
      t.strictSame(read(JSON.stringify(cloud[0]), 'application/cloudevents+json'), events.slice(0, 1));
    }),
    { numRuns: 200 },
  );
  t.end();
});

test('any bytes give events, or an error that a client can read', (t) => {
  const types = fc.constantFrom(JSON_TYPE, LINES_TYPE, 'application/cloudevents+json');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), types, (body, type) => {
      try {
        t.ok(eventsOfBody(Buffer.from(body), type).length > 0);
      } catch (thrown) {
        t.match(thrown, { code: 'BAD_REQUEST', status: 400 });
      }
    }),
    { numRuns: 500 },
  );
  t.end();
});

test('a line that is no event costs no other', (t) => {
  const events = eventsOfBody(bytes('{"call_id":"a"}\n{"call\n{"call_id":"b"}'), LINES_TYPE);
  t.match(events, [
    { event: { call_id: 'a' } },
    { rejection: { code: 'EVENT_NOT_JSON' } },
    { event: { call_id: 'b' } },
  ]);
  t.end();
});

test('a body that cannot be taken as a whole is refused by name', (t) => {
  const many = Array.from({ length: EVENTS_MAX + 1 }, () => ({}));
  const cases: [body: string | undefined, type: string | undefined, status: number, says: RegExp][] = [
    ['{}', undefined, 415, /application\/json/],
    ['call_id=1', 'application/x-www-form-urlencoded', 415, /application\/x-ndjson/],
    [undefined, JSON_TYPE, 400, /no event/],
    ['[]', JSON_TYPE, 400, /no event/],
    ['\n \n', LINES_TYPE, 400, /no event/],
    ['{"call_id"', JSON_TYPE, 400, /not JSON/],
    [JSON.stringify(many), JSON_TYPE, 413, /more than 1000/],
    [many.map((one) => JSON.stringify(one)).join('\n'), LINES_TYPE, 413, /more than 1000/],
  ];
  for (const [body, type, status, message] of cases) {
    const read = () => eventsOfBody(body === undefined ? undefined : bytes(body), type);
    t.throws(read, { code: 'BAD_REQUEST', status, message }, `${type}: ${body?.slice(0, 20)}`);
  }
  t.end();
});
