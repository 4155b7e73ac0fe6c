import { readFileSync } from 'node:fs';

export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** A query of Prometheus in a panel. */
export interface PrometheusTarget {
  refId: string;
  expr: string;
  legendFormat?: string;
  /** Whether only the newest value is asked for. */
  instant?: boolean;
}

export interface Panel<Target = unknown> {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: GridPos;
  fieldConfig?: { defaults: { unit?: string; custom?: object } };
  options?: object;
  targets?: Target[];
}

export interface Variable {
  name: string;
  type: string;
  query: string;
  current: { value: string | string[] };
}

export interface Dashboard<Target = unknown> {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: Variable[] };
  panels: Panel<Target>[];
}

const folder = new URL('../../../grafana/dashboards/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

/** The dashboards for operators, by the names of their files. */
export const OPERATORS = ['counting', 'answers', 'intake'] as const;
export const operatorsDashboard = (name: string): Dashboard<PrometheusTarget> => read(name);
/** The dashboard of one user's calls, with queries of the Infinity data source. */
export const userDashboard = <Target>(): Dashboard<Target> => read('user');

/** Panels that show something. */
export function panelsOf<Target>({ panels }: Dashboard<Target>): Panel<Target>[] {
  return panels.filter(({ type }) => type !== 'row');
}

/**
 * A text with variables put in place, as Grafana does it: `$name`, `${name}` and `${name:format}`.
 * @param values by name, or by name with format
 * @throws Error for a variable without value
 */
export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:(\w+)|\{([^}]+)\})/g, (shown, bare, braced) => {
    const value = values[bare ?? braced];
    if (value === undefined) throw new Error(`no value for ${shown} in ${text}`);
    return value;
  });
}
