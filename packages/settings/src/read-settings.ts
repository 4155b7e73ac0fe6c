import { IsBoolean, IsInteger, IsNumber, type Static, type TObject, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** One thing wrong with the environment. Never holds a value: any variable may contain a misplaced secret. */
export interface SettingsFault {
  readonly variable: string;
  readonly problem: string;
  readonly remedy: string;
}

/** All faults of the environment, one per line in `message`. A retry does not help. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'SETTINGS_INVALID';

  constructor(readonly faults: readonly SettingsFault[]) {
    const lines = faults.map(({ variable, problem, remedy }) => `  ${variable} ${problem}: ${remedy}`);
    super(['the environment has invalid settings:', ...lines].join('\n'));
  }
}

/**
 * Reports a fault between variables. Ignored if one of them is already at fault, because it would only repeat that in
 * other words.
 */
export type ReportFault = (variables: readonly string[], problem: string, remedy: string) => void;

/** Part of the settings: its variables as a schema, and how they become one section of the result. */
export interface Fragment<Name extends string = string, Section = unknown> {
  readonly name: Name;
  /** Each property is a variable. `description` documents it; `remedy` completes "set it to …" in an error. */
  readonly variables: TObject;
  readonly read: (values: never, report: ReportFault) => Section;
}

/** @param read makes the section from values that are valid or defaults, and reports faults between them */
export function fragment<const Name extends string, Variables extends TObject, Section>(
  name: Name,
  variables: Variables,
  read: (values: Static<Variables>, report: ReportFault) => Section,
): Fragment<Name, Section> {
  return { name, variables, read };
}

/** The names of all variables of these fragments, in order. */
export function variablesOf(fragments: readonly Fragment[]): string[] {
  return fragments.flatMap(({ variables }) => Object.keys(variables.properties));
}

/** What `readSettings` returns: one section per fragment, under the fragment's name. */
export type Settings<Fragments extends readonly Fragment[]> = {
  readonly [One in Fragments[number] as One['name']]: ReturnType<One['read']>;
};

/** The environment as Node provides it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables of `fragments` from `env`. An empty variable counts as unset.
 *
 * @returns one section per fragment, parsed, with defaults, deeply frozen
 * @throws SettingsError (`SETTINGS_INVALID`) with all faults at once and no value of any variable
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

/** Accepts numbers and booleans only as people write them; the schema rejects the rest (`0x10`, `1e3`, `yes`). */
function parse(schema: TSchema, text: string): unknown {
  if (IsInteger(schema)) return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (IsNumber(schema)) return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  if (IsBoolean(schema)) return text === 'true' || text === 'false' ? text === 'true' : text;
  return text;
}

/** Keeps one part of a process from changing the settings of another. */
function freezeDeep<Tree>(tree: Tree): Tree {
  if (typeof tree === 'object' && tree !== null) Object.values(tree).forEach(freezeDeep);
  return Object.freeze(tree);
}
