import { fileVariable, isInFile } from './file-variables.ts';
import { type Fragment, variablesOf } from './read-settings.ts';
import { apiSettings, ingestSettings, intakeSettings, opsSettings } from './services.ts';

/** A row of the documentation. */
export interface SettingRow {
  readonly variable: string;
  /** The variable that may name a file with the value instead. */
  readonly file: string | undefined;
  /** As written in the environment; empty if there is none. */
  readonly default: string;
  readonly meaning: string;
  /** The processes that read it. */
  readonly readBy: readonly string[];
}

const readers = { ingest: ingestSettings, api: apiSettings, intake: intakeSettings, ops: opsSettings };

/** Every variable once: those of ingest first, then those that only the others read. */
export function describeSettings(): SettingRow[] {
  const fragments: readonly Fragment[] = [
    ...ingestSettings,
    ...apiSettings,
    ...intakeSettings,
    ...opsSettings,
  ];
  const rows = new Map<string, SettingRow>();
  for (const { variables } of fragments) {
    for (const [variable, schema] of Object.entries(variables.properties)) {
      const { default: fallback, description } = schema as { default?: unknown; description?: string };
      rows.set(variable, {
        variable,
        file: isInFile(schema) ? fileVariable(variable) : undefined,
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

const opening = `# Settings

All processes of calltally are configured by environment variables alone. An empty variable counts as unset. Settings are
checked at start, and all faults are reported together; \`--check-config\` stops after that check. No message repeats a
value, because any of them may be a secret.

Where a row has two names, set one of them: the second, \`…_FILE\`, is the path of a file that holds the value, as Docker
and Kubernetes mount secrets. One line break at its end is not part of the value. Files are read once, at start.

This page is generated from the schemas by \`pnpm --filter @calltally/settings run docs\`, as is the list that the Helm chart has
of them.

`;

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

const names = ({ variable, file }: SettingRow) =>
  file === undefined ? code(variable) : `${code(variable)} ${code(file)}`;

/** The text of `docs/settings.md`. */
export function settingsDocument(): string {
  const rows = describeSettings().map(
    (row) => `| ${names(row)} | ${code(row.default)} | ${row.meaning} | ${row.readBy.join(', ')} |`,
  );
  return `${opening}${['| variable | default | meaning | read by |', '|---|---|---|---|', ...rows].join('\n')}\n`;
}

/** Kept in a file by some, but no secrets. */
const PUBLIC = /_(CA|CERT)$/;
/** Only a secret if they have a password. */
const ADDRESS = /_UR[LI]$/;

/** The text of `infra/kubernetes/files/variables.yaml`, for the Helm chart: what each service reads, and what is secret. */
export function chartVariables(): string {
  const rows = describeSettings();
  const secret = rows.filter(
    ({ file, variable }) => file !== undefined && !PUBLIC.test(variable) && !ADDRESS.test(variable),
  );
  const lists = {
    ...Object.fromEntries(Object.entries(readers).map(([reader, read]) => [reader, variablesOf(read)])),
    secret: secret.map(({ variable }) => variable),
  };
  const texts = Object.entries(lists).map(
    ([name, variables]) => `${name}:\n${variables.map((variable) => `  - ${variable}\n`).join('')}`,
  );
  return `# Generated: see docs/settings.md.\n${texts.join('')}`;
}
