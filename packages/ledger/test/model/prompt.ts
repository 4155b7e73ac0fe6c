import { Worker } from './turns.ts';

/** A worker whose commands take effect at once. */
export class Prompt extends Worker {
  override async ask<T>(_engine: unknown, _connection: object, _text: string, effect: () => T): Promise<T> {
    return effect();
  }
}

/** Entries in the order of their keys, to compare two stores. */
export function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

export const FAITHFUL_RUNS = Math.min(Number(process.env.MODEL_RUNS ?? 60), 1_000);
