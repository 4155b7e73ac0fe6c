import { type Fragment, variablesOf } from './fragment.ts';
import { apiSettings, ingestSettings, opsSettings } from './services.ts';

/** A row of the documentation. */
export interface SettingRow {
  readonly variable: string;
  /** As it would be written in the environment; empty where there is none. */
  readonly default: string;
  readonly meaning: string;
  /** Which processes read it. */
  readonly readBy: readonly string[];
}

const readers = { ingest: ingestSettings, api: apiSettings, ops: opsSettings };

/** Every variable that a process of calltally reads, once, in the order of `fragments` of ingest, then the API. */
export function describeSettings(): SettingRow[] {
  const fragments: readonly Fragment[] = [...ingestSettings, ...apiSettings];
  const rows = new Map<string, SettingRow>();
  for (const { variables } of fragments) {
    for (const [variable, schema] of Object.entries(variables.properties)) {
      const { default: fallback, description } = schema as { default?: unknown; description?: string };
      rows.set(variable, {
        variable,
        default: fallback === undefined ? '' : String(fallback),
        meaning: description ?? '',
        readBy: Object.entries(readers)
          .filter(([, read]) => variablesOf(read).includes(variable))
          .map(([reader]) => reader),
      });
    }
  }
  return [...rows.values()];
}
