import { ROOT } from '../bench.ts';

/** What V8 writes into a `.cpuprofile`, as far as it is read here. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds from the sample before, one for each. */
  timeDeltas: number[];
}

export interface Frame {
  /** The function, with its file and line where it has one. */
  name: string;
  /** An npm package, a package or service of ours, `node`, `native` (C++), or `garbage collection`. */
  owner: string;
}

/** Functions that were called by one another, outermost first, and the time spent in the innermost. */
export interface Stack {
  frames: readonly Frame[];
  selfUs: number;
}

/** All stacks that were seen; what the process did while it had nothing to do is left out. */
export function stacksIn({ nodes, samples, timeDeltas }: CpuProfile): Stack[] {
  const selfUs = new Map<number, number>();
  for (const [i, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + timeDeltas[i]!);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stacks: Stack[] = [];
  const waiting: { id: number; above: readonly Frame[] }[] = [{ id: nodes[0]!.id, above: [] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { callFrame, children = [] } = byId.get(next.id)!;
    const isRoot = next.id === nodes[0]!.id;
    const frames = isRoot ? [] : [...next.above, frameOf(callFrame)];
    const self = selfUs.get(next.id) ?? 0;
    if (self > 0 && !isRoot && callFrame.functionName !== '(idle)') stacks.push({ frames, selfUs: self });
    for (const id of children) waiting.push({ id, above: frames });
  }
  return stacks;
}

type CallFrame = CpuProfile['nodes'][0]['callFrame'];

function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  const place = url === '' ? '' : ` ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`;
  return { name: `${functionName || '(anonymous)'}${place}`, owner: ownerOf(functionName, url) };
}

function ownerOf(functionName: string, url: string): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'native';
  if (url.startsWith('node:')) return 'node';
  const path = url.replace(/^file:\/\//, '');
  const npm = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (npm !== null) return npm[1]!;
  const ours = path.startsWith(ROOT) ? path.slice(ROOT.length).split('/') : [];
  return ours.length > 2 ? ours.slice(0, 2).join('/') : 'other';
}
