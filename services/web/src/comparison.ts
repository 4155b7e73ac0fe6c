/** How a figure stands against the same figure of the period before. */
export interface Comparison {
  direction: 'up' | 'down' | 'same';
  /** With its sign: `+12 %`; undefined where there is nothing to take a share of. */
  share: string | undefined;
  /** The rest of the sentence: `more than yesterday`. */
  words: string;
}

/** The words for a figure that grew and for one that shrank, such as `more` and `fewer`. */
export interface Words {
  more: string;
  less: string;
  /** For a period before without any: `no calls yesterday`. */
  none: string;
}

/** @param before what it is called, such as `yesterday` or `the 7 days before` */
export function compare(figure: number, previous: number, before: string, words: Words): Comparison {
  if (previous === 0) {
    const direction = figure === 0 ? 'same' : 'up';
    return { direction, share: undefined, words: `${words.none} ${inPeriod(before)}` };
  }
  const percent = (100 * (figure - previous)) / previous;
  const share = percentText(percent);
  if (share === undefined) return { direction: 'same', share, words: `as ${inPeriod(before)}` };
  const up = percent > 0;
  return {
    direction: up ? 'up' : 'down',
    share,
    words: `${up ? words.more : words.less} than ${inPeriod(before)}`,
  };
}

/** `in the 7 days before`, but `yesterday` and `last month` as they are. */
function inPeriod(before: string): string {
  return before.startsWith('the ') ? `in ${before}` : before;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** Undefined for what rounds to nothing. */
function percentText(percent: number): string | undefined {
  const size = Math.abs(percent);
  const text = (size < 10 ? tenths : whole).format(size);
  if (text === '0') return undefined;
  return `${percent > 0 ? '+' : '−'}${text} %`;
}
