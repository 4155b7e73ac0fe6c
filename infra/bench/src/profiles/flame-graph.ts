import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { RESULTS } from '../bench.ts';
import type { Stack } from './stacks.ts';

const run = promisify(execFile);

/** Where Debian has Brendan Gregg's script; it needs Perl and nothing else. */
const PACKAGE = 'libdevel-nytprof-perl';
const IN_PACKAGE = 'usr/share/perl5/Devel/NYTProf/flamegraph.pl';
/** Of 1 200: narrower frames cannot be read, and there are thousands. */
const FRAME_MIN_PX = 2;
const SCRIPT = join(RESULTS, 'flamegraph.pl');

/** The flame graph as SVG. @throws Error where the script is not there and cannot be fetched */
export async function flameGraph(title: string, stacks: readonly Stack[]): Promise<string> {
  const options = [
    '--title',
    title,
    '--countname',
    'µs',
    '--fonttype',
    'sans-serif',
    '--hash',
    '--minwidth',
    String(FRAME_MIN_PX),
  ];
  const child = spawn('perl', [await obtainScript(), ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const drawn = text(child.stdout);
  child.stdin.end(folded(stacks));
  const status = await new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject));
  if (status !== 0) throw new Error(`flamegraph.pl ended with ${status}`);
  return drawn;
}

/** A line for each stack, as the script reads them. */
export function folded(stacks: readonly Stack[]): string {
  const lines = stacks.map(({ frames, selfUs }) => {
    const names = frames.map(({ name, owner }) => `${name} (${owner})`.replaceAll(';', ','));
    return `${names.join(';')} ${selfUs}\n`;
  });
  return lines.join('');
}

/** Unpacked and not installed, so that no root is needed. */
async function obtainScript(): Promise<string> {
  if (await stat(SCRIPT).catch(() => undefined)) return SCRIPT;
  const folder = await mkdtemp(join(tmpdir(), 'calltally-flamegraph-'));
  try {
    await run('apt-get', ['download', '-q', PACKAGE], { cwd: folder });
    const [deb] = await readdir(folder);
    await run('dpkg-deb', ['-x', join(folder, deb!), folder]);
    await copyFile(join(folder, IN_PACKAGE), SCRIPT);
    return SCRIPT;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
