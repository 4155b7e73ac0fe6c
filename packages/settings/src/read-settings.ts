import type { TSchema } from 'typebox';
import { IsBoolean, IsInteger, IsNumber } from 'typebox';
import { Value } from 'typebox/value';
import type { Fragment, ReportFault } from './fragment.ts';
import { freezeDeep } from './freeze-deep.ts';
import { SettingsError, type SettingsFault } from './settings-error.ts';

/** What `readSettings` gives for these fragments: a section each, under the fragment's name. */
export type Settings<Fragments extends readonly Fragment[]> = {
  readonly [One in Fragments[number] as One['name']]: ReturnType<One['read']>;
};

/** The environment as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables of `fragments` from `env`; an empty variable counts as unset.
 *
 * @returns a deeply frozen object with one section a fragment, parsed and with defaults
 * @throws SettingsError (`SETTINGS_INVALID`) with every fault at once, and with no value of a variable
 */
export function readSettings<const Fragments extends readonly Fragment[]>(
  fragments: Fragments,
  env: Environment,
): Settings<Fragments> {
  const faults = new Map<string, SettingsFault>();
  const report: ReportFault = (variables, problem, remedy) => {
    const [variable] = variables;
    if (variable === undefined || variables.some((name) => faults.has(name))) return;
    faults.set(variable, { variable, problem, remedy });
  };
  const sections = fragments.map(({ name, variables, read }) => {
    const values = readVariables(variables.properties, env, report);
    return [name, read(values as never, report)] as const;
  });
  if (faults.size > 0) throw new SettingsError([...faults.values()]);
  return freezeDeep(Object.fromEntries(sections)) as Settings<Fragments>;
}

function readVariables(properties: Record<string, TSchema>, env: Environment, report: ReportFault) {
  const values: Record<string, unknown> = {};
  for (const [variable, schema] of Object.entries(properties)) {
    const { default: fallback, remedy } = schema as { default?: unknown; remedy?: string };
    const text = env[variable];
    const value = text === undefined || text === '' ? fallback : parse(schema, text);
    const usable = value === undefined || value === fallback || Value.Check(schema, value);
    if (!usable) report([variable], 'cannot be used', `set it to ${remedy}`);
    const kept = usable ? value : fallback;
    if (kept !== undefined) values[variable] = kept;
  }
  return values;
}

/** Only what a person would write for a number or a boolean is taken for one; the schema refuses the rest. */
function parse(schema: TSchema, text: string): unknown {
  if (IsInteger(schema)) return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (IsNumber(schema)) return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  if (IsBoolean(schema)) return text === 'true' || text === 'false' ? text === 'true' : text;
  return text;
}
