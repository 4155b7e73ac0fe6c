import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';

const PICTURES = fileURLToPath(new URL('../../../../.calltally/screenshots/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const BEYOND = 'document.documentElement.scrollWidth - window.innerWidth';
const WIDTHS = [1280, 390];
const SCHEMES = ['light', 'dark'] as const;

/**
 * Checks a state of the page on desktop and phone, in light and dark mode: axe-core finds nothing, and nothing scrolls
 * sideways. Leaves a screenshot of each in `.calltally/screenshots` for people to look at.
 */
export async function look(t: Test, page: Page, state: string): Promise<void> {
  const before = page.viewportSize()!;
  for (const width of WIDTHS) {
    await page.setViewportSize({ ...before, width });
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      // What stays at the top of the window would lie over the page's middle.
      await page.evaluate('scrollTo(0, 0)');
      await page.evaluate(DRAWN);
      const path = join(PICTURES, `${state}-${width}-${scheme}.png`);
      await page.screenshot({ path, fullPage: true, animations: 'disabled' });
      const how = `${state}, ${width} pixels, ${scheme}`;
      t.strictSame(await axeFindings(page), [], `axe-core finds nothing: ${how}`);
      const beyond = await page.evaluate<number>(BEYOND);
      t.ok(beyond <= 0, `nothing scrolls sideways: ${how}`);
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
  await page.evaluate(DRAWN);
}

/** Waits until the chart has redrawn itself for a new width, in its own frame, and transitions are over. */
const DRAWN = `(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  await frame();
  const passing = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map(({ finished }) => finished));
  await frame();
})()`;

/** The broken rules, and where. What axe cannot decide is left to whoever looks at the screenshot. */
async function axeFindings(page: Page): Promise<string[]> {
  // Through the debugger, because the Content-Security-Policy does not apply to it.
  await page.evaluate(`${AXE}; undefined`);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  );
}
