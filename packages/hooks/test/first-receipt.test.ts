import { test } from 'tap';
import { fromFirstReceipt, PROVIDERS } from '../src/index.ts';

test('a repetition of a callback without a time is the event of the first', (t) => {
  const firstMs = Date.UTC(2026, 2, 1, 9, 31, 24);
  const eventAt = (receivedAtMs: number) => {
    const body = Buffer.from('CallSid=CA1&CallStatus=completed&CallDuration=84');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const definition = { provider: 'twilio', user: { id: 'u-1' } };
    const [reading] = PROVIDERS.twilio!.read(
      { body, headers, url: 'https://a.example/', receivedAtMs },
      definition,
    );
    if (reading === undefined || !('event' in reading)) throw new Error(JSON.stringify(reading));
    t.ok(reading.startsAtReceipt);
    return fromFirstReceipt(reading.event, receivedAtMs, firstMs);
  };
  t.match(eventAt(firstMs), { started_at: '2026-03-01T09:30:00.000Z', duration_seconds: 84 });
  t.strictSame(eventAt(firstMs + 30_000), eventAt(firstMs));
  t.end();
});
