import { type CallEvent, LETTER_LIMITS } from '@calltally/contract';
import { test } from 'tap';
import { badEvents } from '../src/bad-events.ts';
import { compareWithOracle } from '../src/compare.ts';
import { NO_END, NO_LABEL, Traffic } from '../src/traffic.ts';
import { startWorld } from '../src/world.ts';

test('every bad event becomes a dead letter with its reason; no good event is lost, no partition is held', async (t) => {
  const world = await startWorld(t, { users: 4 });
  const { platform, traffic, oracle, keys, chance } = world;
  const now = Date.now();
  const spoilt = new Traffic(chance, `${platform.topic}-bad`, 1);

  const bad = badEvents(() => ({ ...spoilt.call(now), duration_seconds: 60 }), now);
  t.ok(bad.length >= 200, `${bad.length} kinds of bad events`);
  t.equal(new Set(bad.map(({ name }) => name)).size, bad.length, 'each of its own kind');
  const messages: { key: string | null; value: Buffer | null }[] = [];
  const good: CallEvent[] = [];
  for (const { key, value } of bad) {
    for (const event of traffic.calls(chance.int(1, 4), now)) {
      oracle.add(event);
      good.push(event);
      messages.push({ key: event.user_id, value: Buffer.from(JSON.stringify(event)) });
    }
    messages.push({ key, value });
  }
  for (let at = 0; at < messages.length; at += 50) await platform.sendMessages(messages.slice(at, at + 50));
  // Two tenants with the same ids, in one batch.
  const [one, other] = [...keys.keys()] as [string, string];
  const sameIds = traffic.calls(20, now).flatMap((event) => [
    { ...event, user_id: one },
    { ...traffic.changed(event), user_id: other },
  ]);
  for (const event of sameIds) oracle.add(event);
  await platform.sendMessages(sameIds.map((event) => ({ key: one, value: JSON.stringify(event) })));
  await platform.untilRead();
  t.same(await compareWithOracle(world), [], 'every good event is counted, once');

  const leftOut = await platform.metric('calltally_dropped_fields_total');
  for (const field of ['ended_at', 'direction', 'status'] as const) {
    const spoilt = good.filter((event) => event[field] === NO_END || event[field] === NO_LABEL).length;
    const told = leftOut.filter(({ labels }) => labels.includes(`field="${field}"`));
    const count = told.reduce((sum, { value }) => sum + value, 0);
    t.ok(count >= spoilt, `${field} was left out of ${count} calls, of ${spoilt} at least`);
  }

  const letters = await platform.deadLetters(bad.length);
  t.equal(letters.length, bad.length, 'one dead letter for each bad event');
  const text = (value: Buffer | string | null | undefined) =>
    value == null ? 'null' : value.toString('latin1');
  const found = letters.map(
    ({ key, value, headers }) => `${headers?.['error-code']} ${text(key)} ${text(value)}`,
  );
  for (const { name, key, value, code } of bad) {
    const held = value && Buffer.from(value).subarray(0, LETTER_LIMITS.valueMaxBytes);
    const at = found.indexOf(`${code} ${text(key === null ? null : Buffer.from(key))} ${text(held)}`);
    if (at === -1) {
      const near = letters.find((letter) => text(letter.value) === text(held));
      t.fail(`${name}: ${code} expected, found ${near?.headers?.['error-code'] ?? 'no letter'}`);
    } else found.splice(at, 1);
  }
  t.same(found, [], 'key, value and code of every dead letter are right');
  for (const { headers } of letters) {
    const reason = String(headers?.['error-message']);
    const place = [headers?.['source-topic'], headers?.['source-partition'], headers?.['source-offset']].map(
      String,
    );
    const fine =
      reason.length > 10 &&
      reason.length < 400 &&
      !hasControlCharacter(reason) &&
      place[0] === platform.topic &&
      place.slice(1).every((number) => /^\d+$/.test(number)) &&
      !Number.isNaN(Date.parse(String(headers?.['failed-at'])));
    if (!fine) t.fail(`headers: ${reason} ${place}`);
  }
});

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}
