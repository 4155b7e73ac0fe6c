import { test } from 'tap';
import { DashboardPage } from '../../src/page/dashboard-page.ts';
import { expectedDays, expectedFigures, namedRanges } from '../../src/page/expected.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

const grouped = new Intl.NumberFormat('en-US');

test('everything on the page works by keyboard and with a screen reader', async (t) => {
  const { browser, url, key, userId, oracle } = await startPageWorld(t);
  const rangeOf = (name: '7 days' | '30 days') => namedRanges(Date.now())[name].range;
  const figuresOf = (name: '7 days' | '30 days') => () =>
    expectedFigures(oracle, userId, rangeOf(name), Date.now());

  await visit(t, browser, { url }, async ({ page }) => {
    const dashboard = new DashboardPage(page);
    const { keyboard } = page;
    const says = async (pattern: RegExp, message: string) =>
      becomes(t, async () => pattern.test(await dashboard.announced()), true, message);
    const sumOf = (name: '7 days' | '30 days') =>
      new RegExp(`^${grouped.format(figuresOf(name)().total_calls)} calls, `);

    t.ok(await dashboard.tabTo(dashboard.keyField), "to the key's field");
    await keyboard.type(key);
    await keyboard.press('Enter');
    await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'signed in');
    t.equal(await page.locator(':focus').textContent(), 'Calls', 'the focus is on the new heading');
    await says(sumOf('30 days'), 'the sum of the range is read out');

    t.ok(await dashboard.tabTo(dashboard.range('30 days')), 'to the selected range');
    await keyboard.press('ArrowLeft');
    await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'the range is another');
    await says(sumOf('7 days'), 'and is read out');

    await dashboard.chart.waitFor();
    t.ok(await dashboard.tabTo(dashboard.chart), 'to the chart');
    const days = () => expectedDays(oracle, userId, rangeOf('7 days'));
    const readout = async () => {
      const said = (await dashboard.chart.getAttribute('aria-valuetext')) ?? '';
      return /: ([\d,]+) calls?, ([\d,.]+) minutes?$/.exec(said)?.slice(1).join(' ');
    };
    const readoutOf = (index: number) => () => {
      const { calls, minutes } = days().at(index)!;
      return `${grouped.format(calls)} ${grouped.format(minutes)}`;
    };
    await becomes(t, readout, readoutOf(-1), 'it reads out today');
    await keyboard.press('ArrowLeft');
    await becomes(t, readout, readoutOf(-2), 'then the day before');
    await keyboard.press('Home');
    await becomes(t, readout, readoutOf(0), 'and the first of the range');

    t.ok(await dashboard.tabTo(dashboard.button('Show table'), 'Shift+Tab'), 'back to the table');
    await keyboard.press('Enter');
    await becomes(t, () => dashboard.rows(), days, 'it is shown');

    t.ok(await dashboard.tabTo(dashboard.button('Sign out'), 'Shift+Tab'), 'back to the way out');
    await keyboard.press('Enter');
    await dashboard.keyField.waitFor();
    t.ok(await dashboard.keyField.evaluate((field) => field.matches(':focus')), 'ready for another key');
    t.same(await dashboard.figures(), {}, 'signed out');
  });
});
