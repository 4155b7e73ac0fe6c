import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROFILES } from '../bench.ts';
import { costs } from './costs.ts';
import { flameGraph } from './flame-graph.ts';
import { type Stack, stacksIn } from './stacks.ts';

/**
 * Puts a flame graph and a table of costs beside the profiles of a run: `api.svg` and `api.md` for all processes of
 * that name together. Without the tool that draws, only the tables; it says so.
 */
export async function writeProfiles(): Promise<void> {
  for (const [name, stacks] of await stacksByName()) {
    await writeFile(join(PROFILES, `${name}.md`), `${costs(name, stacks)}\n`);
    try {
      await writeFile(join(PROFILES, `${name}.svg`), await flameGraph(name, stacks));
    } catch (thrown) {
      console.error(`no flame graph of ${name}: ${(thrown as Error).message}`);
    }
  }
  console.log(`profiles, flame graphs and tables of costs are in ${PROFILES}`);
}

async function stacksByName(): Promise<Map<string, Stack[]>> {
  const byName = new Map<string, Stack[]>();
  for (const file of await readdir(PROFILES)) {
    const name = /^(.+)-\d+\.cpuprofile$/.exec(file)?.[1];
    if (name === undefined) continue;
    const profile = JSON.parse(await readFile(join(PROFILES, file), 'utf8'));
    byName.set(name, [...(byName.get(name) ?? []), ...stacksIn(profile)]);
  }
  return byName;
}
