import type { CompletedCallEvent } from '@calltally/contract';
import { test } from 'tap';
import type { OracleDimension, OracleFilter } from '../../src/oracle.ts';
import { csvRows, DashboardPage, type Part, type Value } from '../../src/page/dashboard-page.ts';
import { DAY_MS, dateOf, expectedDays, expectedShare, namedRanges } from '../../src/page/expected.ts';
import { look } from '../../src/page/look.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

const PARTS = { Agent: 'agent', Direction: 'direction', Status: 'status' } as const;
const FIELDS = { agent: 'agent_id', direction: 'direction', status: 'status' } as const;
const NAMES: Readonly<Record<string, string>> = {
  inbound: 'Inbound',
  outbound: 'Outbound',
  web: 'Web',
  completed: 'Completed',
  no_answer: 'No answer',
  voicemail: 'Voicemail',
  busy: 'Busy',
};
const BARS_MAX = 8;
const HUNDRED = 100;
/** Arabic and Hebrew, emoji, and as long as an id may be. */
const ODD_AGENTS = [
  'وكيل المبيعات في القاهرة',
  'שרה',
  '🤖 bot 🎧',
  `asst_${'0123456789'.repeat(26)}`.slice(0, 256),
  'No agent',
];
/** An office has at most six agents, four directions and five statuses, none given among them. */
const OFFICE_CELLS = '120';
const BEYOND = 'There are so many combinations of agent, direction and status';
const UNAVAILABLE = /Failed to load resource: .* 503 /;
const REFUSED = /Failed to load resource: .* 400 /;

test('the page tells by whom and how, and filters by it', async (t) => {
  const world = await startPageWorld(t, { cells: { COUNTERS_CELLS_MAX: OFFICE_CELLS } });
  const { browser, url, key, userId, emptyUserId, emptyKey, oracle } = world;
  const rangeOf = (name: '30 days' | '7 days' = '30 days') => namedRanges(Date.now())[name];

  /** The values of a part by the other filters, most calls first. */
  function valuesOf(user: string, part: Part, filter: OracleFilter, range = rangeOf().range): Value[] {
    const dimension = PARTS[part];
    const chosen = filter[dimension] ?? [];
    return oracle.breakdown(user, range, [dimension], without(filter, dimension)).map((group) => {
      const value = group[FIELDS[dimension]] ?? '';
      const name = value === '' ? `No ${dimension}` : (NAMES[value] ?? value);
      return { name, calls: group.calls, isChosen: chosen.includes(value) };
    });
  }

  await t.test('what is chosen filters everything, and the address keeps it', async (t) => {
    await visit(t, browser, { url }, async ({ page, loads }) => {
      const dashboard = new DashboardPage(page);
      const holds = async (filter: OracleFilter, message: string, name: '30 days' | '7 days' = '30 days') => {
        const figures = () => oracle.figures(userId, rangeOf(name).range, Date.now(), filter);
        await becomes(t, () => dashboard.figures(), figures, `the figures ${message}`);
        const days = () => expectedDays(oracle, userId, rangeOf(name).range, filter);
        await becomes(t, () => dashboard.rows(), days, `the days ${message}`);
        for (const part of ['Agent', 'Direction', 'Status'] as const) {
          const values = () => valuesOf(userId, part, filter, rangeOf(name).range);
          await becomes(t, () => dashboard.bars(part), values, `${part} ${message}`);
        }
        const percentiles = () =>
          Object.values(oracle.durations(userId, rangeOf(name).range, filter).percentiles);
        await becomes(t, () => dashboard.percentiles(), percentiles, `the durations ${message}`);
        const share = async () => /^[+−][\d,.]+ %/.exec(await dashboard.comparison('total_calls'))?.[0];
        const previous = () => oracle.figures(userId, rangeOf(name).previous, Date.now(), filter).total_calls;
        const change = () => expectedShare(figures().total_calls, previous());
        await becomes(t, share, change, `the comparison ${message}`);
      };
      const search = () => new URL(page.url()).search;

      await dashboard.signIn(key);
      await dashboard.openTable();
      await holds({}, 'of all calls');
      t.same(await dashboard.filters(), []);
      t.equal(await page.getByText(BEYOND).count(), 0, 'counters hold all combinations');
      await look(t, page, 'breakdown');

      await dashboard.bar('Agent', 'ada').click();
      await holds({ agent: ['ada'] }, 'of an agent');
      await dashboard.bar('Agent', 'No agent').click();
      await dashboard.bar('Status', 'Completed').click();
      const chosen = { agent: ['ada', ''], status: ['completed'] };
      await holds(chosen, 'of two agents and a status');
      t.same(await dashboard.filters(), ['Agent ada or No agent', 'Status Completed']);
      t.equal(search(), '?range=30d&agent=ada&agent=&status=completed');
      await look(t, page, 'filtered');
      const { text } = await dashboard.downloadCsv();
      const callsOfFile = csvRows(text).reduce((sum, { calls }) => sum + Number(calls), 0);
      t.equal(callsOfFile, oracle.figures(userId, rangeOf().range, 0, chosen).total_calls, 'the file, too');

      await dashboard.choose('7 days');
      await holds(chosen, 'in another range', '7 days');
      await page.goBack();
      await holds(chosen, 'one step back');
      await page.goBack();
      await holds({ agent: ['ada', ''] }, 'two steps back');
      await page.goForward();
      await holds(chosen, 'forward again');

      await dashboard.bar('Agent', 'ada').click();
      await holds({ agent: [''], status: ['completed'] }, 'without ada');
      await page.reload();
      await dashboard.openTable();
      await holds({ agent: [''], status: ['completed'] }, 'after a reload');
      await dashboard.button('Remove all').click();
      await holds({}, 'of all calls again');
      t.equal(search(), '?range=30d');
      t.equal(loads(), 2, 'the document was loaded once more, by the reload');
    });
  });

  await t.test('a link shows the same, and new calls come in by themselves', async (t) => {
    const link = `${url}/?range=7d&direction=outgoing&status=no-answer&status=`;
    await visit(t, browser, { url: link }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const filter = { direction: ['outbound'], status: ['no_answer', ''] };
      const figures = () => oracle.figures(userId, rangeOf('7 days').range, Date.now(), filter);
      const agents = () => valuesOf(userId, 'Agent', filter, rangeOf('7 days').range);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figures, 'the figures');
      await becomes(t, () => dashboard.bars('Agent'), agents, 'the agents');
      t.same(await dashboard.filters(), ['Direction Outbound', 'Status No answer or No status']);
      const labels = { agent_id: 'katherine', direction: 'outbound', status: 'no_answer' };
      const callId = await world.publish(labels);
      await world.publish({ ...labels, status: 'busy' });
      await becomes(t, () => dashboard.bars('Agent'), agents, 'one more');
      await becomes(t, () => dashboard.figures(), figures, 'in the figures, too');
      const started_at = new Date().toISOString();
      await world.correct(callId, {
        revision: 1,
        started_at,
        duration_seconds: 3,
        ...labels,
        agent_id: 'grace',
      });
      await becomes(t, () => dashboard.bars('Agent'), agents, 'it was another agent');
    });
  });

  await t.test('a filter without calls says so, and can be left', async (t) => {
    await visit(t, browser, { url: `${url}/?agent=nobody&direction=web` }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await page.getByText('No such calls in this range').first().waitFor();
      const nobody = [
        ...valuesOf(userId, 'Agent', { direction: ['web'] }),
        { name: 'nobody', calls: 0, isChosen: true },
      ];
      await becomes(t, () => dashboard.bars('Agent'), nobody, 'the agent that has none is there');
      await look(t, page, 'filtered-empty');
      await dashboard.button('Remove filters').click();
      const figures = () => oracle.figures(userId, rangeOf().range, Date.now());
      await becomes(t, () => dashboard.figures(), figures, 'all calls');
    });
  });

  await t.test('who has chosen as many values as there can be is told so', async (t) => {
    const agents = Array.from({ length: 120 }, (_, i) => `agent=a${i}`).join('&');
    await visit(t, browser, { url: `${url}/?${agents}` }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const said = async () =>
        (await dashboard.announced()).includes('No more than 100 values can be chosen.');
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.filters(), ['Agent 100 chosen'], 'as many as the API takes');
      await becomes(t, said, true, 'it is said');
      await dashboard.bar('Agent', 'a0').waitFor();
      await look(t, page, 'filters-full');
      await dashboard.bar('Agent', 'a0').click();
      await becomes(t, () => dashboard.filters(), ['Agent 99 chosen'], 'one is left');
      await becomes(t, said, false, 'another can be chosen');
    });
  });

  await t.test('everything works by keyboard and is read out', async (t) => {
    await visit(t, browser, { url, reducedMotion: true }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const { keyboard } = page;
      const isFocused = (part: Part, name: string) =>
        dashboard.bar(part, name).evaluate((element) => element.matches(':focus'));
      await dashboard.signIn(key);
      await dashboard.bar('Agent', 'ada').waitFor();
      t.match(
        await dashboard.bar('Agent', 'ada').evaluate((element) => element.textContent),
        /^ada [\d,]+ calls?, [\d.]+ %$/,
        'a bar is read with its figures',
      );
      t.ok(await dashboard.tabTo(dashboard.bar('Agent', 'ada')), 'to a bar');
      await keyboard.press('Space');
      const { total_calls } = oracle.figures(userId, rangeOf().range, 0, { agent: ['ada'] });
      const announced = async () =>
        (await dashboard.announced()).startsWith(`${total_calls.toLocaleString('en')} calls, `);
      await becomes(t, announced, true, 'the sum is read out');
      t.ok(await isFocused('Agent', 'ada'), 'the focus stays on the bar');
      t.equal(await dashboard.bar('Agent', 'ada').getAttribute('aria-pressed'), 'true');
      await page.emulateMedia({ forcedColors: 'active' });
      await look(t, page, 'filtered-forced-colours');
      await page.emulateMedia({ forcedColors: null });

      t.ok(
        await dashboard.tabTo(page.getByRole('button', { name: /^Remove filter: / }), 'Shift+Tab'),
        'to the filter',
      );
      await keyboard.press('Enter');
      const all = () => oracle.figures(userId, rangeOf().range, Date.now());
      await becomes(t, () => dashboard.figures(), all, 'it is removed');
      t.equal(await page.locator(':focus').textContent(), 'Calls', 'the focus is on the heading');

      t.ok(await dashboard.tabTo(dashboard.button('Durations as a Table')), 'to the table of durations');
      await keyboard.press('Enter');
      const histogram = () => oracle.durations(userId, rangeOf().range).histogram.map(({ calls }) => calls);
      const counts = async () =>
        (
          await page
            .getByRole('region', { name: 'Durations, as a table' })
            .locator('td:nth-child(2)')
            .allTextContents()
        ).map((text) => Number(text.replaceAll(',', '')));
      await becomes(t, counts, histogram, 'it is right');
    });
  });

  await t.test('parts that cannot be read say so, and come back', async (t) => {
    await visit(t, browser, { url, mayLog: UNAVAILABLE }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const refuse = (path: string, status: number, code: string, message: string) =>
        page.route(path, (route) =>
          route.fulfill({ status, json: { success: false, error: { code }, message } }),
        );
      await refuse('**/analytics/breakdown*', 503, 'UNAVAILABLE', 'Nothing can be read.');
      await refuse('**/analytics/durations*', 503, 'UNAVAILABLE', 'Nothing can be read.');
      await dashboard.signIn(key);
      await page.getByText('The breakdown cannot be read').waitFor();
      await page.getByText('The durations cannot be read').waitFor();
      await look(t, page, 'breakdown-away');
      await page.unrouteAll();
      await page.getByRole('button', { name: 'Try again' }).first().click();
      await becomes(
        t,
        () => dashboard.bars('Agent'),
        () => valuesOf(userId, 'Agent', {}),
        'the agents',
      );
      await becomes(t, () => dashboard.alert.count(), 0, 'no fault is left');
    });
  });

  await t.test('a range with too many calls for durations shows all the rest', async (t) => {
    await visit(t, browser, { url, mayLog: REFUSED }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const message = 'The range has 1200000 calls. Ask for a shorter one.';
      await page.route('**/analytics/durations*', (route) =>
        route.fulfill({ status: 400, json: { success: false, error: { code: 'TOO_MANY_CALLS' }, message } }),
      );
      await dashboard.signIn(key);
      await page.getByText(message).waitFor();
      await becomes(
        t,
        () => dashboard.bars('Agent'),
        () => valuesOf(userId, 'Agent', {}),
        'the agents',
      );
      t.equal(await dashboard.alert.count(), 0, 'it is no fault');
      await look(t, page, 'durations-too-many');
    });
  });

  await t.test('calls without labels are told in one line', async (t) => {
    await world.publishAll([callOf(0, {})]);
    await visit(t, browser, { url }, async ({ page }) => {
      await new DashboardPage(page).signIn(emptyKey);
      await page.getByText('None of these calls names an agent, a direction or a status.').waitFor();
      await look(t, page, 'unlabelled');
    });
  });

  await t.test('of a hundred agents the busiest have bars, and all are in the table', async (t) => {
    const agents = Array.from(
      { length: HUNDRED },
      (_, i) => ODD_AGENTS[i] ?? `agent-${String(i).padStart(3, '0')}`,
    );
    const calls = agents.flatMap((agent_id, i) =>
      Array.from({ length: 1 + Math.floor(60 / (i + 1)) }, (_, n) =>
        // Two cells for each agent with two calls: more than counters hold.
        callOf(1000 * (i + 1) + n, { agent_id, status: n % 2 === 0 ? 'ringing out' : 'ringing' }),
      ),
    );
    await world.publishAll(calls);
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      const all = () => valuesOf(emptyUserId, 'Agent', {});
      const others = (chosen = '') => {
        const rest = all().slice(BARS_MAX);
        const sum = rest.reduce((total, value) => total + value.calls, 0);
        return { name: `${rest.length} others${chosen}`, calls: sum, isChosen: false };
      };
      await dashboard.signIn(emptyKey);
      await becomes(
        t,
        () => dashboard.bars('Agent'),
        () => [...all().slice(0, BARS_MAX), others()],
        'the bars',
      );
      await becomes(t, () => page.getByText(BEYOND).count(), 1, 'rows were read, and the page says so');
      await look(t, page, 'agents');
      await dashboard.bar('Agent', others().name).click();
      await becomes(t, () => dashboard.cells('Agent'), all, 'the table has all of them');
      t.equal(await page.locator(':focus').getAttribute('aria-label'), 'Agent, as a table', 'and the focus');
      // After it there is only the row of calls without an agent, which looks like one of that name.
      const last = all().at(-2)!.name;
      await dashboard.cell('Agent', last).click();
      const figures = () => oracle.figures(emptyUserId, rangeOf().range, Date.now(), { agent: [last] });
      await becomes(t, () => dashboard.figures(), figures, 'one that has no bar');
      await dashboard.cell('Agent', ODD_AGENTS[0]!).click();
      await dashboard.cell('Agent', ODD_AGENTS[2]!).click();
      await becomes(t, () => page.locator('[aria-busy=true]').count(), 0, 'everything is there');
      await look(t, page, 'agents-table');
      await dashboard.openPart('Agent');
      const chosen = [ODD_AGENTS[0], ODD_AGENTS[2], last];
      const bars = () => [
        ...all()
          .slice(0, BARS_MAX)
          .map((value) => ({ ...value, isChosen: chosen.includes(value.name) })),
        others(' (1 chosen)'),
      ];
      await becomes(t, () => dashboard.bars('Agent'), bars, 'the bars again');
    });
  });

  /** A call of yesterday, of the user who has no others. */
  function callOf(n: number, labels: Partial<CompletedCallEvent>): CompletedCallEvent {
    return {
      call_id: `labels-${n}`,
      user_id: emptyUserId,
      started_at: `${dateOf(Date.now() - DAY_MS)}T09:00:00Z`,
      duration_seconds: 1 + (n % 400),
      ...labels,
    };
  }
});

function without(filter: OracleFilter, dimension: OracleDimension): OracleFilter {
  const { [dimension]: _, ...rest } = filter;
  return rest;
}
