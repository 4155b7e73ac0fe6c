import { writeFileSync } from 'node:fs';
import { chartVariables, settingsDocument } from './settings-document.ts';

const root = new URL('../../../', import.meta.url);
writeFileSync(new URL('docs/settings.md', root), settingsDocument());
writeFileSync(new URL('infra/kubernetes/files/variables.yaml', root), chartVariables());
