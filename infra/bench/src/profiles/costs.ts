import { tableOf } from '../table.ts';
import type { Frame, Stack } from './stacks.ts';

const FUNCTIONS_SHOWN = 15;
/** Packages that take less are not shown. */
const SHARE_MIN = 0.005;

/** Where the time went, as Markdown: by package and by function. */
export function costs(name: string, stacks: readonly Stack[]): string {
  const allUs = stacks.reduce((sum, { selfUs }) => sum + selfUs, 0);
  const share = (us: number) => `${((us / allUs) * 100).toFixed(1)} %`;
  const ownerSelf = sums(stacks, ({ frames }) => [frames.at(-1)!.owner]);
  const ownerCharged = sums(stacks, ({ frames }) => [chargedTo(frames)]);
  const ownerTotal = sums(stacks, ({ frames }) => frames.map(({ owner }) => owner));
  const functionSelf = sums(stacks, ({ frames }) => [key(frames.at(-1)!)]);
  const functionTotal = sums(stacks, ({ frames }) => frames.map(key));
  const owners = byTime(ownerCharged)
    .filter(([, us]) => us >= allUs * SHARE_MIN)
    .map(([owner, us]) => [
      owner,
      share(ownerSelf.get(owner) ?? 0),
      share(us),
      share(ownerTotal.get(owner) ?? 0),
    ]);
  const functions = (sorted: Map<string, number>) =>
    byTime(sorted)
      .slice(0, FUNCTIONS_SHOWN)
      .map(([both]) => [
        ...both.split('\t'),
        share(functionSelf.get(both) ?? 0),
        share(functionTotal.get(both) ?? 0),
      ]);
  return [
    `# ${name}: ${(allUs / 1e6).toFixed(1)} s of processor time`,
    'Self: in its own functions. Charged: also what Node and C++ did for it. Total: also whatever else it called.',
    tableOf(['package', 'self', 'charged', 'total'], owners),
    '## Functions by self time',
    tableOf(['function', 'package', 'self', 'total'], functions(functionSelf)),
    '## Functions by total time',
    tableOf(['function', 'package', 'self', 'total'], functions(functionTotal)),
  ].join('\n\n');
}

/** Time by what a stack counts for; each of them once, however often it stands in the stack. */
function sums(stacks: readonly Stack[], keysOf: (stack: Stack) => readonly string[]): Map<string, number> {
  const us = new Map<string, number>();
  for (const stack of stacks) {
    for (const one of new Set(keysOf(stack))) us.set(one, (us.get(one) ?? 0) + stack.selfUs);
  }
  return us;
}

/** The innermost package that is not Node itself. */
function chargedTo(frames: readonly Frame[]): string {
  const innermost = frames.at(-1)!.owner;
  return frames.findLast(({ owner }) => owner !== 'node' && owner !== 'native')?.owner ?? innermost;
}

function byTime(us: Map<string, number>): [string, number][] {
  return [...us].sort(([, a], [, b]) => b - a);
}

function key({ name, owner }: Frame): string {
  return `${name}\t${owner}`;
}
