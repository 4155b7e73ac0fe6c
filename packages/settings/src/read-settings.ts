import { IsBoolean, IsInteger, IsNumber, type Static, type TObject, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type ReportFault, SettingsError, type SettingsFault } from './faults.ts';
import { type Environment, fileVariable, isInFile, textOf } from './file-variables.ts';

/** Part of the settings: its variables as a schema, and how they become one section of the result. */
export interface Fragment<Name extends string = string, Section = unknown> {
  readonly name: Name;
  /**
   * Each property is a variable. `description` documents it; `remedy` completes "set it to …" in an error. With
   * `inFile: true`, `NAME_FILE` may name a file that holds the value.
   */
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
  return fragments.flatMap(({ variables }) =>
    Object.entries(variables.properties).flatMap(([variable, schema]) =>
      isInFile(schema) ? [variable, fileVariable(variable)] : [variable],
    ),
  );
}

/** What `readSettings` returns: one section per fragment, under the fragment's name. */
export type Settings<Fragments extends readonly Fragment[]> = {
  readonly [One in Fragments[number] as One['name']]: ReturnType<One['read']>;
};

/**
 * Reads the variables of `fragments` from `env`, and the files that they name. An empty variable counts as unset.
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
    const isFaulty = (name: string) => faults.has(name) || faults.has(fileVariable(name));
    if (variable === undefined || variables.some(isFaulty)) return;
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
    const given = isInFile(schema) ? textOf(variable, env, report) : { name: variable, text: env[variable] };
    const value = given.text === undefined || given.text === '' ? fallback : parse(schema, given.text);
    const usable = value === undefined || value === fallback || Value.Check(schema, value);
    if (!usable)
      report(
        [given.name],
        'cannot be used',
        `set it to ${given.name === variable ? '' : 'a file with '}${remedy}`,
      );
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
