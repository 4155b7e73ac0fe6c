import type { Curve } from '../../picture.ts';
import type { Sample } from '../../results.ts';

/** Measurements at several sizes, in rounds. */
export class Points {
  readonly #sizes: readonly number[];
  readonly #rounds: (readonly number[])[] = [];

  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
  }

  /**
   * @param values of one round, in the order of the sizes
   * @returns a sample, of the greatest size against the least by default
   */
  add(values: readonly number[], [ours, other] = [this.#sizes.at(-1)!, this.#sizes[0]!]): Sample {
    this.#rounds.push(values);
    const at = (size: number) => values[this.#sizes.indexOf(size)]!;
    const all = this.#sizes.map((size) => [`at${size}`, at(size)]);
    return { ours: at(ours), other: at(other), ...Object.fromEntries(all) };
  }

  curve(name: string): Curve {
    const points = this.#sizes.map((x, i) => ({ x, values: this.#rounds.map((values) => values[i]!) }));
    return { name, points };
  }
}
