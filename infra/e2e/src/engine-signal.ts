import type { Engine } from '@calltally/stack';

/** Lets an engine hang, its connections open, or go on from where it was. */
export function signalEngine(engine: Engine, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (engine.pid === undefined) throw new Error(`${engine.name} is down, or not started here`);
  process.kill(engine.pid, signal);
}
