import { test } from 'tap';
import { DashboardPage } from '../../src/page/dashboard-page.ts';
import {
  DAY_MS,
  expectedDays,
  expectedFigures,
  expectedHoursIn,
  namedRanges,
  namedRangesAhead,
} from '../../src/page/expected.ts';
import { startApiWithClock, startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

/** Longer than the test needs to check what it did before: the page's own clock goes on towards midnight. */
const BEFORE_MS = 600_000;
const KOLKATA = 'Asia/Kolkata';
const KOLKATA_AHEAD_MS = 5.5 * 3_600_000;

test('at midnight, and when a month ends, everything updates without a reload', async (t) => {
  const now = new Date();
  const turnMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  // Only the API's clock moves. The browser's shows another time throughout.
  const clock = { ms: turnMs - DAY_MS - BEFORE_MS };
  const world = await startPageWorld(t, {}, clock.ms);
  const { browser, key, userId, oracle } = world;
  const { url } = await startApiWithClock(t, world.platform, clock);

  for (const name of ['Today', '7 days', 'This month'] as const) {
    await t.test(name, async (t) => {
      clock.ms = turnMs - DAY_MS - BEFORE_MS;
      await visit(t, browser, { url }, async ({ page, loads }) => {
        const dashboard = new DashboardPage(page);
        const range = () => namedRanges(clock.ms)[name].range;
        const holds = async (when: string) => {
          const figures = () => expectedFigures(oracle, userId, range(), clock.ms);
          await becomes(t, () => dashboard.figures(), figures, `the figures ${when}`);
          await becomes(
            t,
            () => dashboard.rows(),
            () => expectedDays(oracle, userId, range()),
            `the table ${when}`,
          );
        };
        await dashboard.signIn(key);
        await dashboard.choose(name);
        await dashboard.openTable();
        await holds('before midnight');
        clock.ms = turnMs - DAY_MS + 1_000;
        await holds('a second after it');
        clock.ms = turnMs - BEFORE_MS;
        await world.publish({ started_at: new Date(clock.ms - 500).toISOString() });
        await holds('a day later, after a call');
        clock.ms = turnMs + 1_000;
        await holds('in the next month');
        t.equal(loads(), 1, 'the document was loaded once');
      });
    });
  }

  await t.test('today by hour, in a time zone, at its midnight', async (t) => {
    const midnightMs = turnMs - KOLKATA_AHEAD_MS;
    clock.ms = midnightMs - BEFORE_MS;
    await visit(
      t,
      browser,
      { url: `${url}/?range=today&interval=hour&time_zone=${KOLKATA}` },
      async (visit) => {
        const dashboard = new DashboardPage(visit.page);
        const range = () => namedRangesAhead(clock.ms, KOLKATA_AHEAD_MS).Today.range;
        const holds = async (when: string) => {
          const figures = () => oracle.figuresInZone(userId, range(), clock.ms, KOLKATA);
          await becomes(t, () => dashboard.figures(), figures, `the figures ${when}`);
          const hours = () => expectedHoursIn(KOLKATA, oracle, userId, range());
          await becomes(t, () => dashboard.rows(), hours, `the table ${when}`);
        };
        await dashboard.signIn(key);
        await dashboard.openTable();
        await holds('before midnight');
        clock.ms = midnightMs + 1_000;
        await holds('a second after it');
        clock.ms = midnightMs + BEFORE_MS;
        await world.publish({ started_at: new Date(clock.ms - 500).toISOString() });
        await holds('after a call');
        clock.ms += 7_200_000;
        await world.publish({ started_at: new Date(clock.ms - 500).toISOString() });
        await holds('two hours later, after another call');
        t.equal(visit.loads(), 1, 'the document was loaded once');
      },
    );
  });
});
