// Builds what `npm pack` packs: one module without dependencies, its types, and the licenses of what is in it. The source
// is packages/contract; kafkajs is the one that pnpm patched (infra/kafka/patches).
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateDtsBundle } from 'dts-bundle-generator';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = here('../contract/src/producer/call-event-producer.ts');

rmSync(here('dist'), { recursive: true, force: true });
const bundle = await rolldown({
  input: source,
  platform: 'node',
  resolve: { conditionNames: ['calltally', 'import', 'node', 'default'] },
  onwarn: (warning) => {
    throw new Error(warning.message);
  },
});
const { output } = await bundle.write({ file: here('dist/index.js'), format: 'esm' });
const [types] = generateDtsBundle([{ filePath: source }], {
  preferredConfigPath: here('../contract/tsconfig.json'),
});
writeFileSync(here('dist/index.d.ts'), types);
writeFileSync(here('dist/THIRD-PARTY-LICENSES'), licenses(output[0].moduleIds));

/** The licenses of the packages that these modules come from. */
function licenses(modules) {
  const folders = new Set(
    modules.map((path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]).filter(Boolean),
  );
  return [...folders]
    .map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      if (license === undefined) throw new Error(`${name} has no license file`);
      return `${name} ${version}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`;
    })
    .sort()
    .join(`\n${'-'.repeat(80)}\n\n`);
}
