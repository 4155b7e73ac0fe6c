import { test } from 'tap';
import { zoneMidnight } from '../../src/oracle-zones.ts';
import { csvRows, DashboardPage } from '../../src/page/dashboard-page.ts';
import {
  DAY_MS,
  expectedDaysIn,
  expectedHoursIn,
  expectedShare,
  namedRangesAhead,
} from '../../src/page/expected.ts';
import { look } from '../../src/page/look.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

const KOLKATA = 'Asia/Kolkata';
const KOLKATA_AHEAD_MS = 5.5 * 3_600_000;
const BERLIN = 'Europe/Berlin';
/** That of the browser (src/page/visit.ts). */
const OWN = 'Pacific/Auckland';
const REFUSED = /Failed to load resource: .* 400 /;
const OFFSET_OF = { '2026-03-29': 23, '2025-10-26': 25 } as const;
/** By the browser's clock, which the page goes by between answers. */
const HOUR_PASSES = 'const now = Date.now; Date.now = () => now() + 3_600_000';
/** A browser whose zone data is older than the API's. */
const FORGET_KOLKATA = `
  const Known = Intl.DateTimeFormat;
  const forget = (make) => (locale, options) => {
    if (options?.timeZone === '${KOLKATA}') throw new RangeError('Invalid time zone');
    return make(locale, options);
  };
  Intl.DateTimeFormat = new Proxy(Known, {
    construct: (_, [locale, options]) => forget((...given) => new Known(...given))(locale, options),
  });
`;

test('the page shows the days and hours of a time zone', async (t) => {
  const world = await startPageWorld(t);
  const { browser, url, key, userId, oracle } = world;
  type Name = keyof ReturnType<typeof namedRangesAhead>;
  const ranges = (name: Name) => namedRangesAhead(Date.now(), KOLKATA_AHEAD_MS)[name];
  const figuresOf = (name: Name) => () =>
    oracle.figuresInZone(userId, ranges(name).range, Date.now(), KOLKATA);
  const daysOf = (name: Name) => () => expectedDaysIn(KOLKATA, oracle, userId, ranges(name).range);
  const hoursOf = (name: Name) => () => expectedHoursIn(KOLKATA, oracle, userId, ranges(name).range);

  const today = zoneMidnight(KOLKATA, new Date(Date.now() + KOLKATA_AHEAD_MS).toISOString().slice(0, 10));
  const changes = Object.keys(OFFSET_OF).map((date) => zoneMidnight(BERLIN, date));
  for (const midnight of [today, today - DAY_MS, today - 6 * DAY_MS, ...changes]) {
    for (const ms of [midnight - 1, midnight, midnight + 2 * 3_600_000 - 1, midnight + 2 * 3_600_000]) {
      if (ms > Date.now()) continue;
      const started_at = new Date(ms).toISOString();
      await world.publish({ started_at, duration_seconds: 45.25, status: 'completed' });
    }
  }

  await t.test('figures, tables, comparison, durations and CSV are of its days and hours', async (t) => {
    await visit(t, browser, { url }, async ({ page, loads }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await dashboard.openTable();
      await dashboard.chooseZone(KOLKATA);
      for (const name of ['Today', '7 days', 'This month', '30 days'] as const) {
        await dashboard.choose(name);
        await becomes(t, () => dashboard.figures(), figuresOf(name), `the figures: ${name}`);
        await becomes(t, () => dashboard.rows(), daysOf(name), `the table by day: ${name}`);
        const share = async () => /^[+−][\d,.]+ %/.exec(await dashboard.comparison('total_calls'))?.[0];
        const change = () => {
          const { range, previous } = ranges(name);
          const [now, before] = [range, previous].map((of) => oracle.totals(userId, of).total_calls);
          return expectedShare(now!, before!);
        };
        await becomes(t, share, change, `the comparison: ${name}`);
        const percentiles = () => Object.values(oracle.durations(userId, ranges(name).range).percentiles);
        await becomes(t, () => dashboard.percentiles(), percentiles, `the durations: ${name}`);
        const callsOfBars = async () =>
          (await dashboard.bars('Status')).reduce((sum, { calls }) => sum + calls, 0);
        await becomes(t, callsOfBars, () => figuresOf(name)().total_calls, `the breakdown: ${name}`);
      }
      t.equal(await page.getByText('By hour').count(), 0, 'a month has no hours');

      await dashboard.choose('7 days');
      await dashboard.range('By hour').check();
      await becomes(t, () => dashboard.rows(), hoursOf('7 days'), 'the table by hour: 7 days');
      await look(t, page, 'zone-week-by-hour');
      const { name, text } = await dashboard.downloadCsv();
      t.match(name, /^calltally-hour-/);
      const rows = csvRows(text).map(({ start, calls, duration_minutes, avg_duration_minutes }) => ({
        start: start!.slice(0, 16),
        calls: Number(calls),
        minutes: Number(duration_minutes),
        average: Number(avg_duration_minutes),
      }));
      t.strictSame(rows, hoursOf('7 days')(), 'the CSV has the same hours');
      await dashboard.choose('Today');
      await becomes(t, () => dashboard.rows(), hoursOf('Today'), 'the table by hour: Today');
      await look(t, page, 'zone-today-by-hour');

      await world.publish({ duration_seconds: 600 });
      await becomes(t, () => dashboard.figures(), figuresOf('Today'), 'a new call is in the figures');
      await becomes(t, () => dashboard.rows(), hoursOf('Today'), 'and in its hour');
      t.equal(loads(), 1, 'the document was loaded once');
    });
  });

  await t.test('an address shows the same to others, without the key', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await dashboard.choose('7 days');
      await dashboard.range('By hour').check();
      await dashboard.chooseZone(KOLKATA);
      const search = '?range=7d&interval=hour&time_zone=Asia/Kolkata';
      await becomes(t, async () => new URL(page.url()).search, search, 'the address has it all');

      const other = new DashboardPage(await page.context().newPage());
      await other.page.goto(page.url());
      await other.signIn(key);
      await becomes(t, () => other.figures(), figuresOf('7 days'), 'another tab has the same figures');
      await other.openTable();
      await becomes(t, () => other.rows(), hoursOf('7 days'), 'and hours');
      t.equal(await other.zone.inputValue(), KOLKATA, 'the zone is chosen there');
      await other.chooseZone('UTC');
      await becomes(
        t,
        async () => new URL(other.page.url()).search,
        '?range=7d&interval=hour',
        'UTC needs no name',
      );
      await other.page.goBack();
      await becomes(t, () => other.figures(), figuresOf('7 days'), 'Back leads back');
      t.equal(await other.zone.inputValue(), KOLKATA, 'and the field with it');
    });
  });

  await t.test('the zone is chosen by keyboard; the own one is offered, and UTC is the usual', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await dashboard.chart.waitFor();
      t.equal(await dashboard.zone.inputValue(), 'UTC', "not the browser's");
      const options = await dashboard.zone.locator('> option').allTextContents();
      t.strictSame(options, ['UTC', `${OWN} (this browser)`]);
      t.ok(await dashboard.tabTo(dashboard.zone), 'it is reached');
      await page.keyboard.press('ArrowDown');
      const own = () => oracle.figuresInZone(userId, { from: 0, until: 0 }, Date.now(), OWN).calls_today;
      await becomes(t, async () => (await dashboard.figures()).calls_today, own, "today is the browser's");
      await page.keyboard.type('Asia/Kol');
      await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'any other is found by its name');
      t.ok(await dashboard.zone.evaluate((field) => field.matches(':focus')), 'and keeps the focus');
      await dashboard.choose('7 days');
      t.ok(await dashboard.tabTo(page.getByRole('radio', { name: 'By day' })), 'to the bars');
      await page.keyboard.press('ArrowRight');
      await dashboard.openTable();
      await becomes(t, () => dashboard.rows(), hoursOf('7 days'), 'which are hours');
      const said = async () =>
        /, \d\d:\d\d \(so far\): /.test((await dashboard.chart.getAttribute('aria-valuetext'))!);
      await becomes(t, said, true, 'and are read out');
    });
  });

  await t.test(
    'where clocks are changed, a day has 23 or 25 hours, two of them with an offset',
    async (t) => {
      for (const [date, hours] of Object.entries(OFFSET_OF)) {
        const address = `${url}/?start=${date}&end=${date}&interval=hour&time_zone=europe/berlin`;
        await visit(t, browser, { url: address }, async ({ page }) => {
          const dashboard = new DashboardPage(page);
          await dashboard.signIn(key);
          const next = new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
          const range = { from: zoneMidnight(BERLIN, date), until: zoneMidnight(BERLIN, next) };
          const figures = () => oracle.figuresInZone(userId, range, Date.now(), BERLIN);
          await becomes(t, () => dashboard.figures(), figures, `the figures of ${date}`);
          await dashboard.openTable();
          const rows = () => expectedHoursIn(BERLIN, oracle, userId, range);
          t.equal(rows().length, hours);
          await becomes(t, () => dashboard.rows(), rows, `the hours of ${date}`);
          t.equal(await dashboard.zone.inputValue(), BERLIN, 'in whatever case it is written');
          if (hours === 25) await look(t, page, 'zone-hours-twice');
          const asked = page.waitForRequest(/timeseries.*interval=hour/);
          await page.evaluate(HOUR_PASSES);
          t.ok(await asked, 'when another hour begins, hours are read again though no call comes in');
        });
      }
    },
  );

  await t.test('a zone that the API refuses: why, and another one can be chosen', async (t) => {
    const address = `${url}/?range=7d&time_zone=Asia/Kolkatta`;
    await visit(t, browser, { url: address, mayLog: REFUSED }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await page.getByText('Did you mean Asia/Kolkata').first().waitFor();
      t.match(await dashboard.announced(), /is no time zone here/, 'it is read out');
      t.equal(await dashboard.zone.getAttribute('aria-invalid'), 'true', 'its field is called wrong');
      t.equal(await dashboard.zone.inputValue(), 'Asia/Kolkatta', 'and shows it');
      await look(t, page, 'zone-refused');
      await dashboard.chooseZone(KOLKATA);
      await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'the right one shows the figures');
      t.equal(await dashboard.zone.getAttribute('aria-invalid'), 'false', 'and is not wrong');
    });
  });

  await t.test('a zone that only the API knows works, too', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      await page.addInitScript(FORGET_KOLKATA);
      await page.goto(`${url}/?range=7d&time_zone=${KOLKATA}`);
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'the figures');
      await dashboard.openTable();
      await becomes(t, () => dashboard.rows(), daysOf('7 days'), 'the table');
      await page.locator('.live').getByText('UTC+5:30').waitFor();
    });
  });
});
