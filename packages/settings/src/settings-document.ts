import { describeSettings } from './describe-settings.ts';

const opening = `# Settings

Every process of calltally is set by its environment and by nothing else. An empty variable counts as
unset. The environment is checked at start, and every fault is told at once; \`--check-config\` stops
after that check. No message repeats a value, since any of them may be a secret.

This page is made from the schemas by \`pnpm --filter @calltally/settings run docs\`.

`;

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

/** The text of `docs/settings.md`. */
export function settingsDocument(): string {
  const rows = describeSettings().map(
    (row) => `| \`${row.variable}\` | ${code(row.default)} | ${row.meaning} | ${row.readBy.join(', ')} |`,
  );
  return `${opening}${['| variable | default | meaning | read by |', '|---|---|---|---|', ...rows].join('\n')}\n`;
}
