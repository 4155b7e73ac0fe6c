import { test } from 'tap';
import { DashboardPage } from '../../src/page/dashboard-page.ts';
import { expectedFigures, namedRanges } from '../../src/page/expected.ts';
import { look } from '../../src/page/look.ts';
import { startPageWorld } from '../../src/page/page-world.ts';
import { becomes, visit } from '../../src/page/visit.ts';

/** The browser logs each answer with this status. */
const REFUSED = /Failed to load resource: .* 401 /;
const POLICY = /Content Security Policy|TrustedHTML/;
/** What an attacker would try first. `stopped` are the violated CSP directives. */
const INTRUDE = `
  var stopped = [];
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => stopped.push(effectiveDirective));
  try { document.createElement('p').innerHTML = '<img src=x onerror=alert()>'; } catch {}
  const style = document.createElement('style');
  style.textContent = 'body { display: none }';
  document.head.append(style);
  fetch('http://127.0.0.1:9/').catch(() => {});
`;

test('an API key shows its user, in this tab and session only', async (t) => {
  const { browser, url, key, emptyKey, userId, oracle } = await startPageWorld(t);
  const figures = () => {
    const nowMs = Date.now();
    return expectedFigures(oracle, userId, namedRanges(nowMs)['30 days'].range, nowMs);
  };

  await t.test('a wrong key: an error, the focus on the field, and nobody is signed in', async (t) => {
    await visit(t, browser, { url, mayLog: REFUSED }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await look(t, page, 'signed-out');
      await dashboard.signIn('');
      await dashboard.alert.waitFor();
      t.match(await dashboard.alert.textContent(), /enter your api key/i, 'an empty field is told, too');
      await dashboard.signIn('ct_0000000000000000000000000000000000000000000');
      await becomes(
        t,
        async () => /not known/.test((await dashboard.alert.textContent()) ?? ''),
        true,
        'it says so',
      );
      t.ok(await dashboard.keyField.evaluate((field) => field.matches(':focus')), 'the field has the focus');
      t.equal(await dashboard.keyField.getAttribute('aria-invalid'), 'true', 'and is called wrong');
      t.equal(await page.evaluate('sessionStorage.length'), 0, 'the key is kept nowhere');
      await look(t, page, 'wrong-key');
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figures, 'the right one opens all the same');
    });
  });

  await t.test(
    'a key belongs to its tab: it survives a reload, but not another tab or a new session',
    async (t) => {
      await visit(t, browser, { url }, async ({ page }) => {
        const dashboard = new DashboardPage(page);
        await dashboard.signIn(key);
        await becomes(t, () => dashboard.figures(), figures, 'signed in');
        const stored = await page.evaluate<string>('JSON.stringify({ ...sessionStorage })');
        t.ok(stored.includes(key), 'sessionStorage has it');
        t.equal(await page.evaluate('localStorage.length'), 0, 'localStorage has nothing');
        t.same(await page.context().cookies(), [], 'nor has a cookie');
        t.notOk(page.url().includes('ct_'), 'nor the address');
        await page.reload();
        await becomes(t, () => dashboard.figures(), figures, 'still signed in after a reload');

        const other = new DashboardPage(await page.context().newPage());
        await other.page.goto(url);
        await other.keyField.waitFor();
        t.same(await other.figures(), {}, 'another tab is signed out');

        await dashboard.button('Sign out').click();
        await dashboard.keyField.waitFor();
        t.equal(await page.evaluate('sessionStorage.length'), 0, 'signed out, the key is gone');
        await page.reload();
        await dashboard.keyField.waitFor();
        t.same(await dashboard.figures(), {}, 'and stays so');
      });
    },
  );

  await t.test('the demo signs in with one click and removes its key from the address at once', async (t) => {
    await visit(t, browser, { url: `${url}/#demo=${key}` }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.button('Sign in with the demo key').waitFor();
      t.equal(new URL(page.url()).hash, '', 'the address has no key');
      await look(t, page, 'demo');
      await dashboard.button('Sign in with the demo key').click();
      await becomes(t, () => dashboard.figures(), figures, 'one click');
    });
  });

  await t.test('the page runs no foreign script and sends nothing to other hosts', async (t) => {
    await visit(t, browser, { url, mayLog: POLICY }, async ({ page }) => {
      await new DashboardPage(page).keyField.waitFor();
      const rules = ['require-trusted-types-for', 'style-src-elem', 'connect-src'];
      await page.evaluate(INTRUDE);
      await becomes(t, () => page.evaluate('stopped'), rules, 'each try was stopped');
    });
  });

  await t.test('a user without calls is told what to do', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(emptyKey);
      const none = () => expectedFigures(oracle, 'nobody', { from: 0, until: 0 }, 0);
      await becomes(t, () => dashboard.figures(), none, 'zeros');
      await page.getByText('npx calltally publish').waitFor();
      await look(t, page, 'empty');
    });
  });

  await t.test('while figures are loading, none are shown', async (t) => {
    await visit(t, browser, { url }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route('**/analytics/stream*', async (route) => {
        await held;
        await route.continue();
      });
      await dashboard.signIn(key);
      await page.locator('[aria-busy=true]').first().waitFor();
      t.ok(Object.values(await dashboard.figures()).every(Number.isNaN), 'no figure, not even a zero');
      t.ok(await dashboard.range('Custom').isDisabled(), "nor can dates be chosen without today's date");
      await look(t, page, 'loading');
      release();
      await becomes(t, () => dashboard.figures(), figures, 'then they are there');
    });
  });

  await t.test('with reduced motion, nothing moves', async (t) => {
    await visit(t, browser, { url, reducedMotion: true }, async ({ page }) => {
      const dashboard = new DashboardPage(page);
      await dashboard.signIn(key);
      await becomes(t, () => dashboard.figures(), figures, 'signed in');
      const moving = 'document.getAnimations().filter(({ playState }) => playState === "running").length';
      t.equal(await page.evaluate(moving), 0, 'nothing moves');
    });
  });
});
