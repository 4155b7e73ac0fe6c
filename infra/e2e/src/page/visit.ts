import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';
import { Transfer } from './transfer.ts';

export interface VisitOptions {
  url: string;
  width?: number;
  scheme?: 'light' | 'dark';
  reducedMotion?: boolean;
  /** What the console may say besides: a browser reports there each request that was refused. */
  mayLog?: RegExp;
}

export interface Visit {
  page: Page;
  /** How often a document was loaded. */
  loads(): number;
  transfer: Transfer;
}

const HEIGHT = 900;
const PATIENCE_MS = 30_000;
/** Far from UTC, and on another day for half of it: the page must not go by the browser's zone. */
const ZONE = 'Pacific/Auckland';

/**
 * Opens the page in a browser profile of its own, and holds it to what is so in every state: no error in the console or
 * of the page, nothing that the Content-Security-Policy stopped, no request to another host.
 */
export async function visit(
  t: Test,
  browser: Browser,
  { url, width = 1280, scheme = 'light', reducedMotion = false, mayLog }: VisitOptions,
  work: (visit: Visit) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT },
    colorScheme: scheme,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    timezoneId: ZONE,
    locale: 'en-US',
    acceptDownloads: true,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    const isOurs = host === new URL(url).host || ['data:', 'blob:'].includes(protocol);
    if (!isOurs) faults.push(`asked another host: ${request.url()}`);
  });
  context.on('weberror', (thrown) => faults.push(`threw: ${thrown.error().stack ?? thrown.error().message}`));
  context.on('console', (message) => {
    const isBad = ['error', 'warning'].includes(message.type());
    if (isBad && !mayLog?.test(message.text())) faults.push(`logged: ${message.text()}`);
  });
  try {
    const page = await context.newPage();
    let loads = 0;
    page.on('load', () => {
      loads++;
    });
    const transfer = await Transfer.of(page);
    await page.goto(url);
    await work({ page, loads: () => loads, transfer });
    t.same(faults, [], 'nothing in the console, nothing from elsewhere');
  } finally {
    await context.close();
  }
}
