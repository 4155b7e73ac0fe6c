import type { Bench } from '../bench.ts';
import { API, NodeProcess } from '../node-process.ts';
import { spreadCalls } from './spread-calls.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
/** Within what counters keep. */
const DAYS = 730;
const BIG = 'user-big';
const SMALL = 'user-small';
const SMALL_CALLS = 10;

export interface BigAndSmall {
  world: World;
  api: NodeProcess;
  big: { userId: string; key: string; calls: number };
  small: { userId: string; key: string; calls: number };
  /** The two years over which the calls of both are spread, epoch ms. */
  from: number;
  until: number;
}

/** A user with very many calls beside one with hardly any. */
export async function bigAndSmall(bench: Bench): Promise<BigAndSmall> {
  const calls = bench.size(1_000_000, 20_000);
  const until = Date.now();
  const from = until - DAYS * DAY_MS;
  bench.say(`a user with ${calls} calls …`);
  const world = await World.start(bench, 'big_and_small');
  await world.insert(spreadCalls([BIG], calls, { from, until }));
  await world.insert(spreadCalls([SMALL], SMALL_CALLS, { from, until }));
  await world.count([BIG, SMALL]);
  const [big, small] = await world.createKeys([BIG, SMALL]);
  const api = await NodeProcess.start(bench, API, world.environment);
  return {
    world,
    api,
    big: { userId: BIG, key: big!, calls },
    small: { userId: SMALL, key: small!, calls: SMALL_CALLS },
    from,
    until,
  };
}
