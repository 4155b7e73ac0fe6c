import { DAY_MS } from '@calltally/domain';
import { Client, cutDays, inTurns, wholeDays } from '../../client.ts';
import { picture } from '../../picture.ts';
import { API, NodeProcess } from '../../processes.ts';
import type { Figure } from '../../results.ts';
import { median } from '../../statistics.ts';
import { spreadCalls, World } from '../../world/world.ts';
import { Points } from './points.ts';

const HOUR_MS = 3_600_000;
const USER = 'user-range';
const YEARS_TEN = 3_650;
const YEARS_TWO = 730;
const DAYS = [1, 7, 30, 91, 365, YEARS_TWO, 1_095, 1_825, YEARS_TEN];
/** Close enough to the default of 25 kept months for a picture. */
const KEPT_DAYS = 761;

export const growthRange: Figure = {
  name: 'growth-range',
  lines: [
    {
      name: 'growth-range',
      unit: 'ms',
    },
    { name: 'growth-range-cut', unit: 'ms' },
    {
      name: 'growth-range-ten-years',
      unit: 'ms',
    },
  ],
  pictures: ['range'],
  async measure(bench, note) {
    const world = await World.start(bench, 'growth_range');
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    // One day more than the longest range, which ends yesterday.
    const calls = (YEARS_TEN + 1) * bench.size(100, 2);
    bench.say(`a user with ${calls} calls in ten years …`);
    await world.insert(spreadCalls([USER], calls, { from: today - (YEARS_TEN + 1) * DAY_MS, until: today }));
    await world.count([USER]);
    const [key] = await world.createKeys([USER]);
    const api = await NodeProcess.start(bench, API, world.environment);
    const client = new Client(api.url);

    const lastDay = today - DAY_MS;
    const whole = (days: number) => wholeDays(today - days * DAY_MS, lastDay);
    // From 11:00 to 13:00, so that nearly half of each edge day is read from rows: the worst case.
    const cut = (days: number) => cutDays(lastDay - days * DAY_MS + 11 * HOUR_MS, lastDay + 13 * HOUR_MS);
    const ask = async (query: (days: number) => string, sourceWithin: string) => {
      const asks = DAYS.map((days) => () => client.ask(key!, query(days)));
      const within = DAYS.filter((days) => days < KEPT_DAYS).length;
      const fast = { count: bench.size(200, 20), source: sourceWithin };
      const slow = { count: bench.size(4, 2), source: 'counters+mongo' };
      const [kept, beyond] = [
        await inTurns(asks.slice(0, within), fast),
        await inTurns(asks.slice(within), slow),
      ];
      return [...kept.tookMs, ...beyond.tookMs].map(median);
    };

    const [wholePoints, cutPoints] = [new Points(DAYS), new Points(DAYS)];
    for (let round = 0; round <= bench.rounds; round++) {
      const [wholeMs, cutMs] = [await ask(whole, 'counters'), await ask(cut, 'counters+mongo')];
      if (round === 0) continue; // warms all of them up
      const sample = wholePoints.add(wholeMs, [YEARS_TWO, 1]);
      note('growth-range', sample);
      note('growth-range-cut', cutPoints.add(cutMs, [YEARS_TWO, 1]));
      note('growth-range-ten-years', { ours: wholeMs.at(-1)!, other: sample.ours });
    }
    client.close();
    await api.stop();

    const ticks = [
      { at: 1, says: '1 day' },
      { at: 7, says: '1 week' },
      { at: 30, says: '1 month' },
      { at: 365, says: '1 year' },
      { at: YEARS_TEN, says: '10 years' },
    ];
    const svg = picture('Longer ranges', [
      {
        x: {
          title: 'length of the range, of a user with 100 calls a day',
          scale: 'log',
          ticks,
          max: YEARS_TEN,
        },
        y: { title: 'answer, ms', scale: 'log' },
        curves: [wholePoints.curve('whole days'), cutPoints.curve('both edge days cut')],
        limit: { x: KEPT_DAYS, says: 'Redis keeps 25 months' },
      },
    ]);
    bench.pictures.set('range', svg);
  },
};
