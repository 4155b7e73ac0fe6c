import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { obtainChromium } from '@calltally/stack/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

const PATIENCE_MS = 120_000;
const POLL_MS = 50;

/**
 * Polls until the actual value equals the expected one. After the time limit it reports the last actual value and
 * throws, because the following steps could only time out too.
 * @param expected a function if the value depends on the clock
 */
export async function becomes<T>(
  t: Test,
  look: () => Promise<T>,
  expected: T | (() => T),
  message: string,
): Promise<void> {
  const right = () => (typeof expected === 'function' ? (expected as () => T)() : expected);
  let last = await look();
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; last = await look()) {
    // The clock may have ticked in between; the value from before or after the tick is right.
    if (isDeepStrictEqual(last, right())) break;
    await sleep(POLL_MS);
  }
  if (!t.strictSame(last, right(), message)) throw new Error(`timed out: ${message}`);
}

/** No host name resolves, so no request of the page leaves this machine. */
const STAY_HERE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';
/** Without the built page the API starts too, but has nothing to serve. */
const PAGE = new URL('../../../../services/web/dist/index.html', import.meta.url);

/** A headless Chromium that ends with `t`. If this process is killed, it ends because its pipe closes. */
export async function startBrowser(t: Test): Promise<Browser> {
  await access(PAGE);
  // Playwright runs Chromium without its sandbox by default. Root cannot use one, and the browser loads only our own
  // page.
  const browser = await chromium.launch({ executablePath: await obtainChromium(), args: [STAY_HERE] });
  t.teardown(() => browser.close());
  return browser;
}

interface VisitOptions {
  url: string;
  width?: number;
  scheme?: 'light' | 'dark';
  reducedMotion?: boolean;
  /** Console errors to allow: a browser logs each failed request there. */
  mayLog?: RegExp;
}

interface Visit {
  page: Page;
  /** How many times a document was loaded. */
  loads(): number;
  transfer: Transfer;
}

const HEIGHT = 900;
/** Far from UTC, and on another date for half of the day. The page must not use the browser's time zone unless it is chosen. */
const ZONE = 'Pacific/Auckland';

/**
 * Opens the page in its own browser profile. In every state it must cause no error in the console or the page, no
 * Content-Security-Policy violation, and no request to another host.
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
    t.same(faults, [], 'no console errors, no requests to other hosts');
  } finally {
    await context.close();
  }
}

/** Bytes received over the network for a page: compressed, with headers. */
class Transfer {
  readonly #bytes = new Map<string, number>();

  static async of(page: Page): Promise<Transfer> {
    const transfer = new Transfer();
    const session = await page.context().newCDPSession(page);
    const add = (id: string, bytes: number) =>
      transfer.#bytes.set(id, (transfer.#bytes.get(id) ?? 0) + bytes);
    session.on('Network.responseReceived', ({ requestId, response }) =>
      add(requestId, response.encodedDataLength),
    );
    // A stream never finishes, so add up its chunks as they arrive.
    session.on('Network.dataReceived', ({ requestId, encodedDataLength }) =>
      add(requestId, encodedDataLength),
    );
    // The total of a finished response, including its headers.
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
      transfer.#bytes.set(requestId, encodedDataLength),
    );
    await session.send('Network.enable');
    return transfer;
  }

  get bytes(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}
