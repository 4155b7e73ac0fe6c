import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FillProgress, readFillStatuses } from '@calltally/counters';
import { DAY_MS, dayOf, monthOf } from '@calltally/domain';
import { auditUsers } from '@calltally/ledger';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { callOf, countedUsers } from '../counted-users.ts';

const SCRIPT = fileURLToPath(new URL('../rebuild-by-pieces.ts', import.meta.url));
const WHALE = 'u-0200-whale';
const WHALE_ROWS = 16_000;
const WHALE_DAYS = 400;

type Said = Record<string, unknown> & { done: number; of: number; rss: number };

/** One run, with all that it has said so far. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import=tsx', '--conditions=calltally', SCRIPT], {
    env: { PATH: process.env.PATH!, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: Said[] = [];
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line)));
  const over = once(child, 'close');
  return {
    said,
    over,
    get isOver() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async end(signal: 'SIGKILL' | 'SIGINT') {
      child.kill(signal);
      await over;
    },
  };
}

test('rebuild killed inside a user with many rows goes on inside that user', async (t) => {
  const { env, store, ledger, redis } = await countedUsers(t);
  const now = Date.now();
  const calls = [
    ...Array.from({ length: WHALE_ROWS }, (_, i) =>
      callOf(WHALE, now - (i * WHALE_DAYS * DAY_MS) / WHALE_ROWS),
    ),
    ...Array.from({ length: 400 }, (_, i) =>
      Array.from({ length: 1 + (i % 10) }, (_, k) =>
        callOf(`u-${String(i).padStart(4, '0')}`, now - k * 40 * DAY_MS),
      ),
    ).flat(),
  ];
  for (let at = 0; at < calls.length; at += 2_000) {
    const rows = calls
      .slice(at, at + 2_000)
      .map((call, i) => toRow(call, { stream: 0, partition: i % 2, offset: at + i }));
    await store.calls.insert(rows);
  }
  for (const partition of [0, 1]) await store.progress.advanceStored(0, partition, calls.length);

  const whale = async () => (await readFillStatuses(ledger.session, ledger.generations, [WHALE]))[0]!;
  const saved = async () => {
    const state = await store.rebuilds.unfinished();
    return state === undefined ? 0 : state.rows + state.ahead;
  };
  const runs: Said[][] = [];
  let inside: FillProgress | undefined;
  let last: ReturnType<typeof start> | undefined;
  let savedBefore = 0;
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGINT', 'SIGKILL'] as const) {
    const run = start(env);
    runs.push(run.said);
    const goal = savedBefore + Math.random() * 2_500;
    const isFurther = async () => {
      const standing = await whale();
      if (typeof standing === 'string' || standing.sinceMs >= (inside?.sinceMs ?? now)) return false;
      return (await saved()) > goal;
    };
    while (!run.isOver && !(await isFurther())) await sleep(20);
    await sleep(Math.random() * 400);
    await run.end(signal);
    const standing = await whale();
    // On a machine with nothing else to do it may be done before it is killed.
    if (run.said.at(-1)?.complete === true) {
      last = run;
      break;
    }
    if (signal === 'SIGINT') t.match(run.said.at(-1), { event: 'end', complete: false, resumed: true });
    else t.not(run.said.at(-1)?.event, 'end');
    if (typeof standing === 'string') return t.fail(`ended while the user was ${standing}`);
    if (inside !== undefined) {
      t.equal(standing.fillId, inside.fillId, 'the user was not begun anew');
      t.ok(standing.sinceMs < inside.sinceMs, 'and is filled further back');
    }
    inside = standing;
    savedBefore = await saved();
  }
  t.ok(inside, 'ended inside the user');
  if (last === undefined) {
    last = start(env);
    runs.push(last.said);
    await last.over;
  }
  t.match(last.said.at(-1), {
    event: 'end',
    users: 401,
    calls: calls.length,
    resumed: true,
    complete: true,
  });

  for (const [i, said] of runs.entries()) {
    const rows = said.filter(({ event }) => event !== 'end');
    const ends = rows.map(({ done }) => done);
    t.same(
      ends,
      ends.toSorted((a, b) => a - b),
      'rows that are done only grow',
    );
    t.ok(
      rows.every(({ done, of }) => done <= of),
      'and are never more than there are',
    );
    if (i > 0) t.ok(ends[0]! > 0, `began at ${ends[0]} rows`);
    t.comment(`from ${ends[0]} to ${ends.at(-1)} of ${rows.at(-1)!.of} rows, rss + ${grown(rows)} MB`);
  }
  t.equal(runs.at(-1)!.at(-2)!.done, calls.length);
  t.equal(await store.rebuilds.unfinished(), undefined);

  const userIds = [...new Set(calls.map(({ userId }) => userId))];
  t.match(await auditUsers(ledger, userIds), { compared: 401, cold: [], filling: [], differences: [] });
  const months = new Map<string, number>();
  for (const { userId, startedAt } of calls) {
    const key = `ct2:{${userId}}:m:${monthOf(dayOf(startedAt))}`;
    months.set(key, (months.get(key) ?? 0) + 1);
  }
  const wrong = [];
  for (const [key, rows] of months) {
    const [has, durationMs] = await redis.hmget(key, 'c', 'd');
    if (Number(has) !== rows || Number(durationMs) !== rows * 1_000) wrong.push({ key, has, rows });
  }
  t.same(wrong, [], 'every month is what its rows say');
});

/** MB of memory from the first piece to the most. */
function grown(rows: readonly Said[]): number {
  return Math.round((Math.max(...rows.map(({ rss }) => rss)) - rows[0]!.rss) / 1e6);
}
