import type { Locator, Page } from 'playwright-core';
import type { OracleFigures as Figures } from '../oracle.ts';

export type { OracleFigures as Figures } from '../oracle.ts';

/** A row of the table behind the chart. */
export interface Row {
  /** The first day of the row's bucket. */
  start: string;
  calls: number;
  minutes: number;
  average: number;
}

const TAB_MAX = 30;

/** The page as people use it: elements are found by name and role. Only figures are found by their attribute. */
export class DashboardPage {
  constructor(readonly page: Page) {}

  get keyField(): Locator {
    return this.page.getByLabel('API key');
  }

  get alert(): Locator {
    return this.page.getByRole('alert');
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Types a key and submits it. Does not wait for the result. */
  async signIn(key: string): Promise<void> {
    await this.keyField.fill(key);
    await this.button('Sign in').click();
  }

  /** The connection status that the page shows. */
  async link(): Promise<string | null> {
    return this.page.locator('header [data-state]').getAttribute('data-state');
  }

  /** The figure of each card. */
  async figures(): Promise<Figures> {
    const shown = await this.page
      .locator('[data-figure]')
      .evaluateAll((cards) =>
        cards.map((card) => [card.getAttribute('data-figure')!, card.querySelector('dd')?.textContent ?? '']),
      );
    return Object.fromEntries(shown.map(([field, text]) => [field, numberOf(text!)])) as unknown as Figures;
  }

  /** What a card says about the previous period. */
  async comparison(field: keyof Figures): Promise<string> {
    return (await this.page.locator(`[data-figure=${field}] .comparison`).textContent()) ?? '';
  }

  range(name: string): Locator {
    return this.page.getByRole('radio', { name, exact: true });
  }

  async choose(name: string): Promise<void> {
    await this.range(name).check();
  }

  async chooseDates(first: string, last: string): Promise<void> {
    await this.choose('Custom');
    await this.page.getByLabel('First day').fill(first);
    await this.page.getByLabel('Last day').fill(last);
    await this.button('Show').click();
  }

  async openTable(): Promise<void> {
    await this.button('Show table').click();
  }

  /** The chart's figures, from the table behind it. None if there is no table. */
  async rows(): Promise<Row[]> {
    const rows = await this.page
      .locator('tbody tr')
      .evaluateAll((lines) =>
        lines.map((line) =>
          [...line.querySelectorAll('th, td')].map((cell) => cell.firstChild?.textContent ?? ''),
        ),
      );
    return rows.map(([name, calls, minutes, average]) => ({
      start: new Date(`${name} UTC`).toISOString().slice(0, 10),
      calls: numberOf(calls!),
      minutes: numberOf(minutes!),
      average: numberOf(average!),
    }));
  }

  /** The chart. Assistive technology sees it as a slider. */
  get chart(): Locator {
    return this.page.getByRole('slider');
  }

  /** The current text of the live regions, which screen readers announce. */
  async announced(): Promise<string> {
    return (await this.page.getByRole('status').allTextContents()).join(' ').trim();
  }

  /** Moves the focus to an element with the Tab key, in a limited number of presses. @returns whether it got there */
  async tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<boolean> {
    for (let presses = 0; presses < TAB_MAX; presses++) {
      await this.page.keyboard.press(key);
      if (await target.evaluate((element) => element.matches(':focus'))) return true;
    }
    return false;
  }

  async downloadCsv(): Promise<{ name: string; text: string }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.button('Download CSV').click(),
    ]);
    const stream = await download.createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString('utf8') };
  }
}

/** "1,047" becomes 1047; NaN if there is no number. */
function numberOf(text: string): number {
  const [digits] = /[\d,]+(\.\d+)?/.exec(text) ?? [];
  return digits === undefined ? Number.NaN : Number(digits.replaceAll(',', ''));
}

/**
 * The records of a CSV by the names in its header. As in RFC 4180, each line ends with CRLF. Our CSV never needs
 * quotes, so a quote is an error.
 */
export function csvRows(text: string): Record<string, string>[] {
  if (text.includes('"')) throw new Error(`quoted: ${text}`);
  if (!text.endsWith('\r\n'))
    throw new Error(`the last line does not end with CRLF: ${JSON.stringify(text.slice(-80))}`);
  const [header = '', ...lines] = text.slice(0, -2).split('\r\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i] ?? '', cell])));
}
