import type { Locator, Page } from 'playwright-core';
import type { OracleFigures as Figures } from '../oracle.ts';

export type { OracleFigures as Figures } from '../oracle.ts';

/** A row of the table behind the chart. */
export interface Row {
  /** The first day of the row's bucket, or its hour: `2026-10-25T02:00`, with `UTC+2` behind if clocks show it twice. */
  start: string;
  calls: number;
  minutes: number;
  average: number;
}

/** A bar of the breakdown, or a row of its table. */
export interface Value {
  name: string;
  calls: number;
  isChosen: boolean;
}

export type Part = 'Agent' | 'Direction' | 'Status';

const TAB_MAX = 40;

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

  get zone(): Locator {
    return this.page.getByLabel('Time zone');
  }

  async chooseZone(name: string): Promise<void> {
    await this.zone.selectOption(name);
  }

  async openTable(): Promise<void> {
    await this.button('Show table').click();
  }

  /** The chart's figures, from the table behind it. None if there is no table. */
  async rows(): Promise<Row[]> {
    const rows = await this.page
      .locator('#series-table tbody tr')
      .evaluateAll((lines) =>
        lines.map((line) =>
          [...line.querySelectorAll('th, td')].map((cell) => cell.firstChild?.textContent ?? ''),
        ),
      );
    return rows.map(([name, calls, minutes, average]) => ({
      start: startOf(name!),
      calls: numberOf(calls!),
      minutes: numberOf(minutes!),
      average: numberOf(average!),
    }));
  }

  /** The bar of a value. */
  bar(part: Part, name: string): Locator {
    const list = this.page.getByRole('list', { name: part, exact: true });
    return list.getByRole('button').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The row header of a value in the table. */
  cell(part: Part, name: string): Locator {
    const table = this.page.getByRole('region', { name: `${part}, as a table` });
    return table.getByRole('button').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The bars of a part, in their order. The last one may be that of others. */
  async bars(part: Part): Promise<Value[]> {
    return this.#values(this.page.getByRole('list', { name: part, exact: true }).getByRole('button'));
  }

  /** The table of a part. */
  async cells(part: Part): Promise<Value[]> {
    return this.#values(this.page.getByRole('region', { name: `${part}, as a table` }).locator('tbody tr'));
  }

  async openPart(part: Part | 'Durations'): Promise<void> {
    await this.button(`${part} as a Table`).click();
  }

  async #values(rows: Locator): Promise<Value[]> {
    const found = await rows.evaluateAll((elements) =>
      elements.map(
        (element) =>
          [
            element.querySelector('bdi, .name, .note')?.textContent ?? '',
            element.querySelector('.count, td')?.firstChild?.textContent ?? '',
            element.matches('[aria-pressed=true], :has([aria-pressed=true])'),
          ] as const,
      ),
    );
    return found.map(([name, calls, isChosen]) => ({ name, calls: numberOf(calls), isChosen }));
  }

  /** The filters at the top, such as `Agent ada or grace`. */
  async filters(): Promise<string[]> {
    const texts = await this.page.getByRole('button', { name: /^Remove filter: / }).allTextContents();
    return texts.map((text) => text.replace('Remove filter: ', ''));
  }

  /** The percentiles, to the millisecond. */
  async percentiles(): Promise<(number | null)[]> {
    const texts = await this.page
      .getByRole('region', { name: 'How long calls take' })
      .locator('dd')
      .evaluateAll((cells) => cells.map((cell) => (cell.lastElementChild ?? cell).textContent ?? ''));
    return texts.map((text) => (text === '–' ? null : numberOf(text)));
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

/** `Sun 25 Oct 2026, 02:00 UTC+2` is `2026-10-25T02:00 UTC+2`. */
function startOf(name: string): string {
  const [, date = '', time, offset] = /^([^,]+)(?:, (\d\d:\d\d)( UTC.+)?)?$/.exec(name) ?? [];
  const day = new Date(`${date} UTC`).toISOString().slice(0, 10);
  return time === undefined ? day : `${day}T${time}${offset ?? ''}`;
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
