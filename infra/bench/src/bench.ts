import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const RESULTS = join(ROOT, '.calltally', 'bench');
export const PROFILES = join(RESULTS, 'profiles');

/** One run: what its figures share, and how to end everything started for them. */
export class Bench {
  readonly quick: boolean;
  readonly folder: string;
  /** Pictures drawn so far, as SVG, by name. */
  readonly pictures = new Map<string, string>();
  readonly #cpuProf: boolean;
  #profiles = 0;
  readonly #shared = new Map<unknown, Promise<unknown>>();
  readonly #ends: (() => unknown)[] = [];

  constructor({ quick, cpuProf }: { quick: boolean; cpuProf: boolean }) {
    this.quick = quick;
    this.#cpuProf = cpuProf;
    if (cpuProf) rmSync(PROFILES, { recursive: true, force: true });
    this.folder = mkdtempSync(join(tmpdir(), 'calltally-bench-'));
    this.#makeFolder();
    mkdirSync(RESULTS, { recursive: true });
  }

  /** Flags for every measured Node process. Only the name of the profile differs. @param main the file that it runs */
  nodeFlags(main: string): string[] {
    if (!this.#cpuProf) return [];
    this.#profiles += 1;
    // services/api/dist/main.js is api, and references/bare.js bare.
    const name = basename(main) === 'main.js' ? basename(dirname(dirname(main))) : basename(main, '.js');
    return [
      '--cpu-prof',
      `--cpu-prof-dir=${PROFILES}`,
      `--cpu-prof-name=${name}-${this.#profiles}.cpuprofile`,
    ];
  }

  /** How often each pair is measured. */
  get rounds(): number {
    return this.quick ? 2 : 5;
  }

  /** Picks a size: `full` in a real run, the small one in a trial. */
  size(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  say(text: string): void {
    console.log(`  ${text}`);
  }

  /** The result of `make`, which runs only once for all figures. */
  shared<T>(make: (bench: Bench) => Promise<T>): Promise<T> {
    let made = this.#shared.get(make) as Promise<T> | undefined;
    if (made === undefined) {
      made = make(this);
      this.#shared.set(make, made);
    }
    return made;
  }

  /** Registers work for the end. The last one runs first. */
  atEnd(step: () => unknown): void {
    this.#ends.push(step);
  }

  /** Ends everything, so that the next figure begins on engines of its own. */
  async restart(): Promise<void> {
    await this.end();
    this.#shared.clear();
    this.#makeFolder();
  }

  /** Ends everything that was started. May be called while a figure is being measured. */
  async end(): Promise<void> {
    for (let step = this.#ends.pop(); step !== undefined; step = this.#ends.pop()) {
      await Promise.resolve()
        .then(step)
        .catch((thrown) => console.error(thrown));
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #makeFolder(): void {
    mkdirSync(this.folder, { recursive: true });
    chmodSync(this.folder, 0o755); // PostgreSQL's user must be able to enter it
  }
}

/** The machine that figures were measured on, as far as it matters. */
export function machine(): string {
  const processors = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim()}, ${gib} GiB, Node ${process.version}`;
}
