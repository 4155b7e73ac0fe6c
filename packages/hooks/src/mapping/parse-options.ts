import { MAPPED_FIELDS, type MappedField, type Mapping, type ValueMeaning } from './mapping.ts';

/** A mapping as people write it on a command line. */
export interface MappingOptions {
  /** `FIELD=EXPRESSION` */
  map?: readonly string[] | undefined;
  /** `FIELD:VALUE=MEANING` */
  value?: readonly string[] | undefined;
  timeZone?: string | undefined;
}

/** Reads the options of a mapping; `compileMapping` checks what they say. */
export function parseMappingOptions({
  map = [],
  value = [],
  timeZone,
}: MappingOptions): { mapping: Mapping; fault?: never } | { fault: string; mapping?: never } {
  const fields: Partial<Record<MappedField, string>> = {};
  for (const text of map) {
    const [, field, expression] = /^([a-z_]+)=(.+)$/s.exec(text) ?? [];
    if (!isField(field)) return { fault: `--map ${text} must be FIELD=PATH, with a FIELD of ${FIELDS}` };
    if (fields[field] !== undefined) {
      return { fault: `--map ${field} is there twice; write one, such as ${field}=${fields[field]} | OTHER` };
    }
    fields[field] = expression!;
  }
  const values: ValueMeaning[] = [];
  for (const text of value) {
    // What a value means has no `=` in it; the value may.
    const [, field, is, means] = /^([a-z_]+):(.+)=([^=]*)$/s.exec(text) ?? [];
    if (!isField(field)) {
      return {
        fault: `--value ${text} must be FIELD:VALUE=MEANING, such as status:ANSWERED=completed, with a FIELD of ${FIELDS}`,
      };
    }
    values.push({ field, is: is!.trim(), means: means!.trim() });
  }
  return {
    mapping: {
      fields,
      ...(values.length > 0 && { values }),
      ...(timeZone !== undefined && { timeZone }),
    },
  };
}

const FIELDS = MAPPED_FIELDS.join(', ');

function isField(name: string | undefined): name is MappedField {
  return (MAPPED_FIELDS as readonly (string | undefined)[]).includes(name);
}
