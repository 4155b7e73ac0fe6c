import { readFileSync } from 'node:fs';
import type { TSchema } from 'typebox';
import type { ReportFault } from './faults.ts';

/** The environment as Node provides it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a file may hold the value: that of a secret or a certificate, as orchestrators mount them. */
export function isInFile(schema: TSchema): boolean {
  return (schema as { inFile?: boolean }).inFile === true;
}

/** The variable that names the file. */
export const fileVariable = (variable: string) => `${variable}_FILE`;

/** The value of such a variable, and the name of the variable that it came from. */
export function textOf(
  variable: string,
  env: Environment,
  report: ReportFault,
): { name: string; text: string | undefined } {
  const file = fileVariable(variable);
  const path = env[file];
  if (path === undefined || path === '') return { name: variable, text: env[variable] };
  if (env[variable]) report([file], `is set beside ${variable}`, 'unset one of the two');
  const read = readText(path);
  if ('fault' in read) {
    report(
      [file],
      `names a file that cannot be read (${read.fault})`,
      'set it to the path of a readable file',
    );
  } else if (read.text === '') {
    report([file], 'names an empty file', `write the value of ${variable} into it`);
  }
  return { name: file, text: 'text' in read ? read.text : undefined };
}

/** The content without one line break at its end, which editors add; or the code of the error. */
export function readText(path: string): { text: string } | { fault: string } {
  try {
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { fault: (error as NodeJS.ErrnoException).code ?? 'unknown error' };
  }
}
