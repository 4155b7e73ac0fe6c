import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { obtainChromium } from '@calltally/stack/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

const PATIENCE_MS = 30_000;
const POLL_MS = 50;

/**
 * Looks until what is there is what should be there; if it never is, says what was there last, and throws: what would
 * come next would only be waited for in vain.
 * @param expected a function where it goes with the clock
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
    // The clock may have turned between: either side of it is right.
    if (isDeepStrictEqual(last, right())) break;
    await sleep(POLL_MS);
  }
  if (!t.strictSame(last, right(), message)) throw new Error(`never came: ${message}`);
}

/** No name resolves, so whatever the page may ask for, nothing leaves this machine. */
const STAY_HERE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';
/** Without it the API starts as well, and has nothing to show. */
const PAGE = new URL('../../../../services/web/dist/index.html', import.meta.url);

/** A Chromium without a window, which ends with `t`; were this process killed, it would end with its pipe. */
export async function startBrowser(t: Test): Promise<Browser> {
  await access(PAGE);
  // Playwright leaves the sandbox out unless told otherwise: root has none, and it loads nothing but our own page.
  const browser = await chromium.launch({ executablePath: await obtainChromium(), args: [STAY_HERE] });
  t.teardown(() => browser.close());
  return browser;
}

interface VisitOptions {
  url: string;
  width?: number;
  scheme?: 'light' | 'dark';
  reducedMotion?: boolean;
  /** What the console may say besides: a browser reports there each request that was refused. */
  mayLog?: RegExp;
}

interface Visit {
  page: Page;
  /** How often a document was loaded. */
  loads(): number;
  transfer: Transfer;
}

const HEIGHT = 900;
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

/** Bytes that came over the network for a page, as they were sent: compressed, with their headers. */
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
    // A stream never finishes, so pieces are added up as they come.
    session.on('Network.dataReceived', ({ requestId, encodedDataLength }) =>
      add(requestId, encodedDataLength),
    );
    // The whole of one that has finished, headers and all.
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
