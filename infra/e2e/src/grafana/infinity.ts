import { interpolate } from './dashboards.ts';

/** A query of the Infinity data source, as far as our dashboard uses it. */
export interface InfinityTarget {
  type: 'json';
  source: 'url';
  parser: 'backend';
  url: string;
  url_options: { method: 'GET'; params: { key: string; value: string }[] };
  root_selector: string;
  columns: { selector: string; text: string; type: 'string' | 'number' | 'timestamp' }[];
}

/** What is chosen in the dashboard. */
export interface Chosen {
  user: string;
  interval: string;
  fromMs: number;
  toMs: number;
}

type Row = Record<string, string | number | null>;

/**
 * Asks as Infinity does with its backend parser: macros and variables put in place, parameters encoded, the key as bearer
 * token, the root selected by a dotted path, each column converted. Times are in epoch ms.
 * @throws Error unless the answer is 200 and all columns are in it
 */
export async function askByInfinity(
  target: InfinityTarget,
  { user, interval, fromMs, toMs }: Chosen,
  { url, apiKey }: { url: string; apiKey: string },
): Promise<Row[]> {
  const values = {
    user,
    interval,
    '__timeFrom:date:iso': macroTime(fromMs),
    '__timeTo:date:iso': macroTime(toMs),
  };
  const address = new URL(`${url}${interpolate(target.url, values)}`);
  for (const { key, value } of target.url_options.params)
    address.searchParams.append(key, interpolate(value, values));
  const answer = await fetch(address, { headers: { authorization: `Bearer ${apiKey}` } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${address}: ${answer.status} ${text}`);
  const root = at(JSON.parse(text), target.root_selector);
  const items = Array.isArray(root) ? root : [root];
  return items.map((item) =>
    Object.fromEntries(
      target.columns.map(({ selector, text: name, type }) => [name, converted(at(item, selector), type)]),
    ),
  );
}

/** As the macro writes a time: without the zeros at the end of its fraction. */
function macroTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}

function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !(name in found))
      throw new Error(`no ${path} in ${JSON.stringify(value)}`);
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?$/;

function converted(value: unknown, type: string): string | number | null {
  if (value === null) return null;
  if (type === 'timestamp' && typeof value === 'string' && DATE.test(value)) return Date.parse(value);
  if (type === 'timestamp' || typeof value !== type)
    throw new Error(`${JSON.stringify(value)} is no ${type}`);
  return value as string | number;
}
