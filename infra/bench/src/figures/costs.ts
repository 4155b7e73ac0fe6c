import type { Figure } from '../results.ts';
import { BYTES_LINES } from './costs/bytes.ts';
import { COUNTING_LINES, measureCounting } from './costs/counting.ts';
import { measureRequests, REQUEST_LINES } from './costs/requests.ts';

/** What one event and one request cost in each engine: the inputs of `calltally capacity`. */
export const costs: Figure = {
  name: 'costs',
  lines: [...COUNTING_LINES, ...BYTES_LINES, ...REQUEST_LINES],
  async measure(bench, note) {
    await measureCounting(bench, note);
    await measureRequests(bench, note);
  },
};
