import { test } from 'tap';
import { ask } from '../../src/dashboard.ts';
import { csvRows, DashboardPage } from '../../src/page/dashboard-page.ts';
import {
  DAY_MS,
  dateOf,
  daysRange,
  expectedDays,
  expectedFigures,
  expectedShare,
  namedRanges,
} from '../../src/page/expected.ts';
import { look } from '../../src/page/look.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

const COMPARED = [
  'total_calls',
  'total_duration_minutes',
  'total_duration_hours',
  'avg_duration_minutes',
] as const;
/** Phones, and the narrowest and widest windows with four and with two cards side by side. */
const WIDTHS_OF_CARDS = [360, 390, 620, 860, 861, 1280];
const BEYOND_CARDS = `[...document.querySelectorAll('dd')].filter((figure) => figure.scrollWidth > figure.clientWidth).length`;
/** Types a first day in the task that shows its field, before anything is drawn. @returns it, then and after some frames */
const TYPE_AT_ONCE = `new Promise((resolve) => {
  const observer = new MutationObserver(async () => {
    const field = document.querySelector('#range-start');
    if (field === null) return;
    observer.disconnect();
    field.value = '2001-02-03';
    const at = field.value;
    for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame);
    resolve([at, field.value]);
  });
  observer.observe(document.body, { childList: true, subtree: true });
})`;
/** The limit of 150 KB for everything that the page loads until all is shown. */
const TRANSFER_BYTES_MAX = 150_000;

test('the page shows what was counted', async (t) => {
  const world = await startPageWorld(t);
  const { browser, url, key, userId, oracle } = world;
  const figuresOf = (range = namedRanges(Date.now())['30 days'].range) =>
    expectedFigures(oracle, userId, range, Date.now());

  await t.test('every range: cards, comparison, table and chart are right', async (t) => {
    await visit(t, browser, { url }, async ({ page, loads, transfer }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figuresOf, 'the figures of 30 days');
      const { data } = (await ask(url, key, 'period=30d')).body;
      t.match(data, await dashboard.figures(), 'the line that `npm start` prints gives the same');
      const days = () => expectedDays(oracle, userId, namedRanges(Date.now())['30 days'].range);
      await dashboard.openTable();
      await becomes(t, () => dashboard.rows(), days, 'the table of 30 days');
      t.ok(transfer.bytes < TRANSFER_BYTES_MAX, `${transfer.bytes} bytes were transferred`);
      await look(t, page, 'table');

      for (const name of ['Today', '7 days', 'This month', '30 days'] as const) {
        const ranges = () => namedRanges(Date.now())[name];
        await dashboard.choose(name);
        await holds(name, ranges);
        if (name === 'Today') await look(t, page, 'today');
      }
      const today = Date.now();
      for (const [name, first, last] of [
        ['two weeks', dateOf(today - 20 * DAY_MS), dateOf(today - 7 * DAY_MS)],
        ['one day', dateOf(today - 9 * DAY_MS), dateOf(today - 9 * DAY_MS)],
        ['days without calls', '2001-02-03', '2001-02-05'],
      ] as const) {
        await dashboard.chooseDates(first, last);
        await holds(name, () => daysRange(first, last));
      }
      t.equal(loads(), 1, 'the document was loaded once');

      async function holds(name: string, ranges: () => ReturnType<typeof daysRange>) {
        await becomes(
          t,
          () => dashboard.figures(),
          () => figuresOf(ranges().range),
          `the figures: ${name}`,
        );
        await becomes(
          t,
          () => dashboard.rows(),
          () => expectedDays(oracle, userId, ranges().range),
          `the table: ${name}`,
        );
        const shares = async () =>
          Promise.all(
            COMPARED.map(async (field) => /^[+−][\d,.]+ %/.exec(await dashboard.comparison(field))?.[0]),
          );
        const expected = () => {
          const { range, previous } = ranges();
          const [now, before] = [figuresOf(range), figuresOf(previous)];
          return COMPARED.map((field) => expectedShare(now[field], before[field]));
        };
        await becomes(t, shares, expected, `the comparison: ${name}`);
      }
    });
  });

  await t.test('invalid dates are refused at their field, and a range survives a reload', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figuresOf, 'the figures of 30 days');
      const [first, last] = [dateOf(Date.now() - 20 * DAY_MS), dateOf(Date.now() - 7 * DAY_MS)];
      await dashboard.chooseDates(last, first);
      await dashboard.alert.waitFor();
      t.match(await dashboard.alert.textContent(), /before/, 'it says what is wrong');
      t.equal(
        await page.locator(':focus').getAttribute('aria-invalid'),
        'true',
        'the focus is on the field to correct',
      );
      await look(t, page, 'wrong-dates');
      await dashboard.chooseDates(first, last);
      const { range } = daysRange(first, last);
      await becomes(
        t,
        () => dashboard.figures(),
        () => figuresOf(range),
        'a range of one day',
      );
      t.equal(await dashboard.alert.count(), 0, 'no error is left');
      await look(t, page, 'custom');
      await page.reload();
      await becomes(
        t,
        () => dashboard.figures(),
        () => figuresOf(range),
        'the same range after a reload',
      );
    });
  });

  await t.test('dates typed the moment their fields appear stay', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figuresOf, 'the figures of 30 days');
      const typing = page.evaluate<[at: string, later: string]>(TYPE_AT_ONCE);
      await dashboard.choose('Custom');
      t.strictSame(await typing, ['2001-02-03', '2001-02-03']);
    });
  });

  await t.test('a range of years is shown by month, with the same total', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await dashboard.chooseDates('2000-01-01', dateOf(Date.now()));
      const { range } = daysRange('2000-01-01', dateOf(Date.now()));
      await becomes(
        t,
        () => dashboard.figures(),
        () => figuresOf(range),
        'the figures of all years',
      );
      await dashboard.chart.waitFor();
      await look(t, page, 'years');
      t.equal(
        await page.getByText('compared with').count(),
        0,
        'without a comparison: no call is older than 2000',
      );
      await dashboard.openTable();
      const callsOfRows = async () => (await dashboard.rows()).reduce((sum, { calls }) => sum + calls, 0);
      await becomes(t, callsOfRows, oracle.callsOf(userId), 'the rows add up to all calls');
    });
  });

  await t.test('figures of a million calls fit into their cards', async (t) => {
    const started_at = '2020-02-29T12:00:00Z';
    for (let i = 0; i < 120; i++) await world.publish({ started_at, duration_seconds: 604_799.9 });
    await visit(t, browser, { url: `${url}/?start=2020-02-01&end=2020-02-29` }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      const { range } = daysRange('2020-02-01', '2020-02-29');
      await becomes(
        t,
        () => dashboard.figures(),
        () => figuresOf(range),
        'the figures of a long month',
      );
      t.ok(figuresOf(range).total_duration_minutes > 1_000_000);
      await look(t, page, 'millions');
      for (const width of WIDTHS_OF_CARDS) {
        await page.setViewportSize({ width, height: 900 });
        t.equal(await page.evaluate(BEYOND_CARDS), 0, `nothing overflows a card: ${width} pixels`);
      }
    });
  });

  await t.test('a new call appears everywhere without a reload', async (t) => {
    await visit(t, browser, { url }, async ({ page, loads }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await dashboard.openTable();
      const days = () => expectedDays(oracle, userId, namedRanges(Date.now())['30 days'].range);
      const holds = async (when: string) => {
        await becomes(t, () => dashboard.figures(), figuresOf, `the figures ${when}`);
        await becomes(t, () => dashboard.rows(), days, `the table ${when}`);
      };
      await holds('at first');
      await world.publish({ duration_seconds: 600 });
      await holds('after a call of just now');
      await world.publish({ started_at: `${dateOf(Date.now() - 5 * DAY_MS)}T09:00:00Z` });
      await holds('after a call of five days ago');
      const callId = await world.publish({ duration_seconds: 1_200 });
      await holds('after another call of just now');
      const started_at = `${dateOf(Date.now() - 3 * DAY_MS)}T09:00:00Z`;
      await world.correct(callId, { revision: 1, started_at, duration_seconds: 300 });
      await holds('after that call was corrected to three days ago');
      await world.correct(callId, { revision: 2, deleted: true });
      await holds('after it was taken back');
      t.equal(loads(), 1, 'the document was loaded once');
    });
  });

  await t.test('the CSV has the same figures as the page and the series', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      const [first, last] = [dateOf(Date.now() - 30 * DAY_MS), dateOf(Date.now() - DAY_MS)];
      await dashboard.chooseDates(first, last);
      const { range } = daysRange(first, last);
      await becomes(
        t,
        () => dashboard.figures(),
        () => figuresOf(range),
        'the figures',
      );
      const { name, text } = await dashboard.downloadCsv();
      t.equal(name, `calltally-day-${first}-to-${last}.csv`);
      const rows = csvRows(text);
      const days = rows.map(({ start, calls, duration_minutes, avg_duration_minutes }) => ({
        start,
        calls: Number(calls),
        minutes: Number(duration_minutes),
        average: Number(avg_duration_minutes),
      }));
      t.strictSame(days, expectedDays(oracle, userId, range), 'the figures of each day');
      const series = await fetch(`${url}/analytics/timeseries?start_date=${first}&end_date=${last}`, {
        headers: { authorization: `Bearer ${key}` },
      });
      const { buckets } = ((await series.json()) as { data: { buckets: Record<string, unknown>[] } }).data;
      const asText = buckets.map((bucket) =>
        Object.fromEntries(Object.entries(bucket).map(([field, value]) => [field, String(value)])),
      );
      t.strictSame(rows, asText, 'what /analytics/timeseries says');
    });
  });
});
