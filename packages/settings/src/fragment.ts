import type { Static, TObject } from 'typebox';

/**
 * Reports what is wrong between variables. It is dropped where one of them is already at fault by itself,
 * since the rule would then only repeat that in other words.
 */
export type ReportFault = (variables: readonly string[], problem: string, remedy: string) => void;

/** A part of the settings: its variables as a schema, and how they become one section of the result. */
export interface Fragment<Name extends string = string, Section = unknown> {
  readonly name: Name;
  /** Every property is a variable; `description` is its row in the documentation, `remedy` mends it. */
  readonly variables: TObject;
  readonly read: (values: never, report: ReportFault) => Section;
}

/** @param read from single values, each valid or its default, to the section; tells of faults between them */
export function fragment<const Name extends string, Variables extends TObject, Section>(
  name: Name,
  variables: Variables,
  read: (values: Static<Variables>, report: ReportFault) => Section,
): Fragment<Name, Section> {
  return { name, variables, read };
}

/** The names of the variables that these fragments read, in their order. */
export function variablesOf(fragments: readonly Fragment[]): string[] {
  return fragments.flatMap(({ variables }) => Object.keys(variables.properties));
}
