import { once } from 'node:events';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CompletedCallEvent, checkCallEvent } from '@calltally/contract';
import { test } from 'tap';
import { calltally, launchBeside } from '../src/command.ts';
import { compareWithOracle } from '../src/compare.ts';
import { startWorld } from '../src/world.ts';

const ROWS = 14_000;
const KILLS = 2;
/** A row of each is no call. Its code is in the errors file. */
const BAD = {
  DURATION_INVALID: (id: string) => `${id};u;1772357400000000000;84,25;;;;;`,
  STARTED_AT_INVALID: (id: string) => `${id};u;2026-03-01 09:30:00;84;;;;;`,
  FIELD_MISSING: (id: string) => `${id};;1772357400000000000;84;;;;;`,
  RECORD_UNREADABLE: (id: string) => `${id};"u" or "v";1772357400000000000;84;;;;;`,
};

const MAPPING = [
  ...['call_id=id', 'user_id=account', 'started_at=start:ns', 'duration_seconds=talk', 'ended_at=end'],
  ...['agent_id=agent', 'direction=direction', 'status=status'],
].flatMap((map) => ['--map', map]);

test('a file whose import is killed and resumed is counted exactly, with bad rows in it', async (t) => {
  const world = await startWorld(t, { users: 4 });
  const { platform, traffic, oracle, chance } = world;
  const bad: [line: number, code: string][] = [];
  let line = 2;
  let text = 'id;account;start;talk;end;agent;direction;status;note\n';
  for (const event of traffic.calls(ROWS, Date.now())) {
    oracle.add(event);
    const row = rowOf(event, chance.chance(0.1) ? 'two\nlines' : '');
    text += row;
    line += row.split('\n').length - 1;
    if (!chance.chance(0.002)) continue;
    const code = chance.pick(Object.keys(BAD)) as keyof typeof BAD;
    text += `${BAD[code](`bad-${line}`)}\n`;
    bad.push([line++, code]);
  }
  const file = join(t.testdir(), 'calls.csv');
  writeFileSync(file, text);

  const args = ['import', file, ...MAPPING, '--json'];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = launchBeside(platform, args);
    const checkpoint = watch(dirname(file), (_, name) => {
      if (name === 'calls.csv.import.json') child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'exit');
    checkpoint.close();
    t.equal(signal, 'SIGKILL', 'it is killed as soon as there is a checkpoint');
  }
  const { status, out, err } = await calltally(platform, ...args);
  t.equal(status, 1, err);
  const { resumed_after, ...end } = JSON.parse(out);
  t.ok(resumed_after > 0 && resumed_after < ROWS, `resumed after ${resumed_after}`);
  t.match(end, { records: ROWS + bad.length, invalid: bad.length, failed: 0, complete: true });
  const errors = readFileSync(end.errors, 'utf8').trim().split('\n');
  t.strictSame(
    errors.map((one) => JSON.parse(one)).map((one) => [one.line, one.code]),
    bad,
    'each bad row is told once, by its line',
  );

  await platform.untilRead();
  t.same(await compareWithOracle(world), [], 'every row is counted, once');
});

/** The call as an export may have it: nanoseconds that are cut, and everything in quotes. */
function rowOf(event: CompletedCallEvent, note: string): string {
  const { call } = checkCallEvent(event, Date.now());
  const start = `${call?.startedAt}${event.call_id.length % 2 === 0 ? '999999' : '000000'}`;
  const { call_id, user_id, duration_seconds = '', ended_at, agent_id, direction, status } = event;
  const values = [call_id, user_id, start, duration_seconds, ended_at, agent_id, direction, status, note];
  return `${values.map((value) => `"${String(value ?? '').replaceAll('"', '""')}"`).join(';')}\n`;
}
