import { access } from 'node:fs/promises';
import { obtainChromium, type Test } from '@calltally/stack/testing';
import { type Browser, chromium } from 'playwright-core';

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
