import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CallEvent } from '@calltally/contract';
import { rowId } from '@calltally/store';
import { test } from 'tap';
import { calltally } from '../src/command.ts';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import type { Platform } from '../src/platform.ts';
import { sendCalls, startWorld } from '../src/world.ts';

const COMMAND = fileURLToPath(new URL('../../../services/ops/bin/calltally.js', import.meta.url));
const AHEAD_MAX_MS = 5 * 60_000;
/** Longer than ingest needs to refuse them all, even on a busy machine. */
const LATER_MS = 60_000;
const TOO_EARLY = 1_500;
const KILLS = 3;

interface Listed {
  id: string;
  code: string;
  state: string;
}

test('retried, corrected, forced and discarded dead letters leave every count exact', async (t) => {
  const world = await startWorld(t, { users: 4 });
  const { platform, traffic, oracle, chance } = world;
  const dlq = async (...args: string[]) => {
    const { status, out, err } = await calltally(platform, 'dlq', ...args, '--json');
    t.comment(`dlq ${args.join(' ')}: ${status} ${err.slice(0, 100).trim()}`);
    return { status, out: JSON.parse(out) };
  };
  const list = async (...args: string[]): Promise<Listed[]> => (await dlq('list', ...args)).out.letters;
  await sendCalls(world, 100);

  // Events from the future are accepted a little later. Others must be corrected or discarded.
  const takenFromMs = Date.now() + LATER_MS;
  const started_at = new Date(takenFromMs + AHEAD_MAX_MS).toISOString();
  const early = traffic.calls(TOO_EARLY, Date.now()).map((event): CallEvent => {
    return { ...event, started_at, ended_at: null, duration_seconds: chance.int(1, 600) };
  });
  const wrong = traffic.call(Date.now());
  const messages = [
    ...early.map((event) => ({ key: event.user_id, value: JSON.stringify(event) })),
    { key: wrong.user_id, value: JSON.stringify({ ...wrong, duration_seconds: -1 }) },
    { key: 'nobody', value: '{"call_id":' },
    { key: 'nobody', value: '[]' },
  ];
  for (let at = 0; at < messages.length; at += 100) await platform.sendMessages(messages.slice(at, at + 100));
  await platform.untilRead();
  t.same(await compareWithOracle(world), [], 'no dead letter is counted');
  const letters = await list();
  t.equal(letters.length, messages.length);
  const idOf = (code: string) => letters.find((letter) => letter.code === code)!.id;

  await sleep(Math.max(0, takenFromMs - Date.now()) + 100);
  for (const event of early) oracle.add(event);
  const rows = early.map(({ user_id, call_id }) => rowId({ userId: user_id, callId: call_id }));
  const counted = async () => (await platform.store.calls.find(rows)).size;
  for (let kill = 0; kill < KILLS; kill++) {
    await killedRetry(platform, counted);
    const states = (await list('--all')).map(({ state }) => state);
    t.equal(states.length, messages.length, 'no dead letter is lost');
    t.comment(`killed: ${states.filter((state) => state === 'open').length} open`);
  }
  const retryAll = () => dlq('retry', '--code', 'STARTED_AT_IN_FUTURE', '--yes');
  const together = await Promise.all([retryAll(), retryAll()]);
  t.ok(
    together.every(({ status }) => status === 0),
    'two operators who retry at once publish all of them and set each status',
  );
  t.match(await retryAll(), { status: 0, out: { retried: 0 } });
  const settled = (await list('--all')).filter(({ state }) => state === 'retried').slice(0, 5);
  const again = await dlq('retry', ...settled.map(({ id }) => id), '--again');
  t.match(again, { status: 0, out: { retried: 5 } }, 'some are published once more on purpose');

  const file = join(t.testdir(), 'corrected.json');
  await writeFile(file, JSON.stringify(wrong));
  oracle.add(wrong);
  t.match(await dlq('retry', idOf('DURATION_INVALID'), '--value', file), { status: 0, out: { retried: 1 } });
  t.equal((await dlq('discard', idOf('EVENT_NOT_OBJECT'), '--yes')).status, 0);
  const broken = idOf('EVENT_NOT_JSON');
  t.match(await dlq('retry', broken), { status: 1, out: { retried: 0, problems: 1 } }, 'it would come back');
  t.match(await dlq('retry', broken, '--force'), { status: 0, out: { retried: 1 } });
  await platform.untilRead();

  const open = await list();
  t.match(
    open,
    [{ code: 'EVENT_NOT_JSON', state: 'open' }],
    'an event that fails again is a new dead letter',
  );
  const { out } = await dlq('show', open[0]!.id);
  const header = { name: 'retried-from', value: { text: `${platform.dlqTopic}:${broken}` } };
  t.match(out.headers, [header], 'that names the one before');
  const all = await list('--all');
  t.equal(all.length, messages.length + 1, 'and nothing was deleted');
  t.same(await compareWithOracle(world), [], 'every number equals the oracle');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
});

/** Kills a retry once the first of its events is counted. */
async function killedRetry(platform: Platform, counted: () => Promise<number>): Promise<void> {
  const before = await counted();
  const args = [COMMAND, 'dlq', 'retry', '--code', 'STARTED_AT_IN_FUTURE', '--yes'];
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env.PATH!,
      KAFKA_BROKERS: platform.kafka.address,
      KAFKA_TOPIC: platform.topic,
      KAFKA_DLQ_TOPIC: platform.dlqTopic,
      KAFKA_GROUP_ID: platform.groupId,
      MONGODB_URI: platform.mongoUri,
    },
    stdio: 'ignore',
  });
  const gone = once(child, 'exit');
  for (let i = 0; i < 2_000 && child.exitCode === null && (await counted()) === before; i++) await sleep(5);
  child.kill('SIGKILL');
  await gone;
}
