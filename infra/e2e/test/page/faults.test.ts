import { test } from 'tap';
import { DashboardPage } from '../../src/page/dashboard-page.ts';
import { expectedFigures, namedRanges } from '../../src/page/expected.ts';
import { look } from '../../src/page/look.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

/** The browser logs requests that failed or got no answer. */
const NO_ANSWER = /Failed to load resource: .*(ERR_CONNECTION_|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE)/;
const UNAVAILABLE = /Failed to load resource: .* 503 /;
/** An API that has just started may not have reached Mongo yet, which breakdowns and durations may need. */
const NO_ANSWER_YET = new RegExp(`${NO_ANSWER.source}|${UNAVAILABLE.source}`);
const REFUSED = /Failed to load resource: .* 401 /;

test('the page reports each failure, keeps its last figures and recovers by itself', async (t) => {
  const world = await startPageWorld(t, { lines: ['redis', 'mongo'] });
  const { browser, url, key, userId, oracle, platform } = world;
  const figuresOf = (name: '7 days' | '30 days') => () => {
    const nowMs = Date.now();
    return expectedFigures(oracle, userId, namedRanges(nowMs)[name].range, nowMs);
  };

  await t.test('the API is killed and restarted: offline with the last figures, then live', async (t) => {
    await visit(t, browser, { url, mayLog: NO_ANSWER_YET }, async ({ page, loads }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'the figures');
      const last = figuresOf('30 days')();
      await look(t, page, 'live');

      await platform.api.end('SIGKILL');
      await becomes(t, () => dashboard.link(), 'lost', 'it says that it is offline');
      await page.getByText('The server cannot be reached').first().waitFor();
      t.strictSame(await dashboard.figures(), last, 'the last figures are kept');
      t.match(await dashboard.announced(), /connection is lost/i, 'and it is read out');
      await look(t, page, 'offline');
      await world.publish({ duration_seconds: 300 });
      await platform.untilRead();

      await platform.api.start();
      await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'the figures, with the new call');
      await becomes(t, () => dashboard.link(), 'live', 'and it is live again');
      t.equal(
        await page.getByText('The server cannot be reached').count(),
        0,
        'it is not mentioned any more',
      );
      t.equal(loads(), 1, 'the document was loaded once');
    });
  });

  await t.test('Redis is unavailable: the figures are still right', async (t) => {
    // On a busy machine Mongo may be late for some of the page's parts, which are asked again.
    await visit(t, browser, { url, mayLog: UNAVAILABLE }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      platform.line('redis').cut();
      await dashboard.choose('7 days');
      await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'another range, from Mongo');
      await look(t, page, 'redis-away');
      platform.line('redis').heal();
      await world.publish({});
      await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'and what is counted once it is back');
    });
  });

  await t.test(
    'both stores are unavailable: the page says so and what happens next, then recovers',
    async (t) => {
      await visit(t, browser, { url, mayLog: UNAVAILABLE }, async ({ page, loads }) => {
        const dashboard = new DashboardPage(page);
        await dashboard.signIn(key);
        await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'the figures');
        for (const line of ['redis', 'mongo'] as const) platform.line(line).cut();
        await dashboard.choose('7 days');
        await page.getByText('cannot read its figures').first().waitFor();
        await page.getByText('No figures of this range').waitFor();
        t.equal(await page.locator('[aria-busy=true]').count(), 0, 'nothing looks as if it were loading');
        await look(t, page, 'error');
        for (const line of ['redis', 'mongo'] as const) platform.line(line).heal();
        await becomes(t, () => dashboard.figures(), figuresOf('7 days'), 'the figures, by itself');
        await becomes(t, () => dashboard.link(), 'live', 'and it is live');
        t.equal(loads(), 1, 'the document was loaded once');
      });
    },
  );

  await t.test('the key is revoked while the page is open: signed out, and told why', async (t) => {
    const { apiKey, row } = await platform.store.apiKeys.create({ userId });
    await visit(t, browser, { url, mayLog: REFUSED }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(apiKey);
      await becomes(t, () => dashboard.figures(), figuresOf('30 days'), 'the figures');
      await platform.store.apiKeys.revoke(row._id);
      await dashboard.keyField.waitFor();
      t.match(await dashboard.alert.textContent(), /revoked|expired/i, 'it says why');
      t.same(await dashboard.figures(), {}, 'no data of the user is left on the page');
      t.equal(await page.evaluate('sessionStorage.length'), 0, 'nor is the key');
      await look(t, page, 'revoked');
    });
  });
});
