import type { CounterSession } from '@calltally/counters';
import { type Calls, type Progress, type Source, type Store, StoreError } from '@calltally/store';
import { test } from 'tap';
import { recordBatch } from '../../src/index.ts';
import { exploreRuns } from './explore.ts';
import { MongoServer, openModelStore } from './mongo.ts';
import { over } from './over.ts';
import type { Choose, Run } from './play.ts';
import { type Command, goOn, plain, Worker } from './turns.ts';
import { heads, type Step } from './world.ts';

/** More than any of the small scenes has. Of large ones so many are played. */
const STATES_MAX = 10_000;
const LARGE_STATES = Number(process.env.MODEL_STATES ?? 2_500);
/** As ingest, a writer tries its batch again. */
const TRIES_MAX = 3;
const NOW_MS = Date.UTC(2026, 4, 15, 12);
const [A, B] = ['u-a', 'u-b'] as const;

/** A rule that is broken on purpose. */
interface Fault {
  server?: typeof MongoServer;
  store?: (store: Store) => Store;
  deletesFirst?: boolean;
}

type Work = (store: Store, fault: Fault) => Promise<void>;

/** Who is at work. Whatever was recorded of a user who is erased has to be gone when all have finished. */
interface Scene {
  writers: number;
  /** Users of the events of each partition. */
  batches: readonly (readonly string[])[];
  /** One eraser for each. */
  erased: readonly string[];
  /** Writers are about to insert, and know of no erasure. */
  isBegun: boolean;
  /** Erasers have finished by then. */
  isErased?: boolean;
  large?: boolean;
}

const SCENES = {
  'a user is erased while a process that does not know writes': {
    writers: 1,
    batches: [[A, B]],
    erased: [A],
    isBegun: true,
  },
  'a user is erased while an epoch of a new partition begins': {
    writers: 1,
    batches: [[A]],
    erased: [A],
    isBegun: false,
  },
  'two users are erased while a process that does not know writes': {
    writers: 1,
    batches: [[A, B]],
    erased: [A, B],
    isBegun: true,
    large: true,
  },
  'a user is erased while two write the same event': {
    writers: 2,
    batches: [[A]],
    erased: [A],
    isBegun: true,
    large: true,
  },
  'a process learns of an erasure by another partition': {
    writers: 1,
    batches: [[A], [B]],
    erased: [A],
    isBegun: true,
    isErased: true,
  },
} satisfies Record<string, Scene>;

/** The scene that finds each broken rule. */
const FAULTS: Record<string, { fault: Fault; shownBy: keyof typeof SCENES }> = {
  'partitions are not told of an erasure': {
    fault: {
      server: class extends MongoServer {
        override update(...[into, command]: Parameters<MongoServer['update']>) {
          return (command.update.$max?.erasures ?? 0) > 0 ? 1 : super.update(into, command);
        }
      },
    },
    shownBy: 'a user is erased while a process that does not know writes',
  },
  'stored is raised whoever was erased': {
    fault: {
      store: (store) => ({
        ...store,
        progress: over(store.progress, {
          async advanceStored(...[stream, partition, offset]: Parameters<Progress['advanceStored']>) {
            await store.progress.advanceStored(stream, partition, offset);
            return true;
          },
        }),
      }),
    },
    shownBy: 'a user is erased while a process that does not know writes',
  },
  'stored is raised before the insert': {
    fault: {
      store: (store) => {
        let waiting: Parameters<Calls['insert']>[0] = [];
        return {
          ...store,
          calls: over(store.calls, {
            async insert(rows: Parameters<Calls['insert']>[0]) {
              waiting = rows;
              return rows.map(() => undefined);
            },
          }),
          progress: over(store.progress, {
            async advanceStored(...given: Parameters<Progress['advanceStored']>) {
              const isFound = await store.progress.advanceStored(...given);
              await store.calls.insert(waiting);
              return isFound;
            },
          }),
        };
      },
    },
    shownBy: 'a user is erased while a process that does not know writes',
  },
  'the version is that of the moment of the raise': {
    fault: {
      store: (store) => ({
        ...store,
        progress: over(store.progress, {
          advanceStored: (...[stream, partition, offset, erasures]: Parameters<Progress['advanceStored']>) =>
            store.progress.advanceStored(
              stream,
              partition,
              offset,
              erasures === undefined ? undefined : store.erasures.known,
            ),
        }),
      }),
    },
    shownBy: 'a process learns of an erasure by another partition',
  },
  'deletion begins before anybody is told': {
    fault: { deletesFirst: true },
    shownBy: 'a user is erased while a process that does not know writes',
  },
};

/** A process that learns who was erased, begins an epoch and records a batch of each partition. */
function writer(batches: Scene['batches']): Work {
  return async (store) => {
    await store.erasures.refresh();
    // As `startEpoch`.
    await store.progress.registerPartitions(0, [...batches.keys()]);
    await store.erasures.tellPartitions();
    await Promise.all(
      batches.map(async (users, partition) => {
        // At a time of its own: batches of one moment share their commands.
        if (partition > 0) await store.erasures.version();
        await recordAsIngest(store, partition, users);
      }),
    );
  };
}

async function recordAsIngest(store: Store, partition: number, users: readonly string[]): Promise<void> {
  // Counters of nobody: their masters are away.
  const session = { holds: () => false } as unknown as CounterSession;
  const events = users.map((userId, offset) => ({
    offset,
    call: { callId: 'c0', userId, startedAt: NOW_MS, durationMs: 1 },
  }));
  const batch = { topicEpoch: 0, partition, events, through: events.length - 1 };
  for (let tries = 1; ; tries++) {
    try {
      await recordBatch({ store, session, generations: new Map() }, batch);
      return;
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || tries === TRIES_MAX) throw thrown;
    }
  }
}

/** Deletes once: nothing that comes later may need another deletion. */
function eraser(userId: string, batches: Scene['batches']): Work {
  return async (store, { deletesFirst = false }) => {
    const ends = batches.map((users, partition) => ({ partition, offset: users.length - 1 }));
    if (deletesFirst) await store.erasedCalls.deleteThrough(userId, { stream: 0, ends });
    await store.erasures.begin(userId);
    if (!deletesFirst) await store.erasedCalls.deleteThrough(userId, { stream: 0, ends });
  };
}

async function play(scene: Scene, choose: Choose<Erasing>, fault: Fault): Promise<Run> {
  const { writers, batches, erased, isBegun, isErased } = scene;
  const world = new Erasing(fault);
  const steps: string[] = [];
  for (let i = 0; i < writers; i++) {
    const worker = await world.start(`writer ${i}`, writer(batches));
    if (isBegun) await world.playUpTo(worker, 'insert');
  }
  for (const userId of erased) {
    const worker = await world.start(`eraser of ${userId}`, eraser(userId, batches));
    if (isErased) await world.playUpTo(worker);
  }
  for (;;) {
    const next = choose(world.turns(), world, {});
    if (next === 'seen') return { steps };
    if (next === 'quiet') break;
    steps.push(next.text);
    await next.take();
    if (world.breach !== undefined) return { steps, breach: world.breach };
  }
  const breach = world.breachInQuiet(batches, erased);
  return breach === undefined ? { steps } : { steps, breach };
}

/** A Mongo, and processes that write and erase. */
class Erasing {
  readonly mongo: MongoServer;
  workers: Worker[] = [];
  breach: string | undefined;
  readonly #fault: Fault;

  constructor(fault: Fault) {
    this.#fault = fault;
    this.mongo = new (fault.server ?? MongoServer)();
  }

  async start(name: string, work: Work): Promise<Worker> {
    const worker = new Worker(name);
    this.workers.push(worker);
    const store = openModelStore(worker, this.mongo, { erases: true });
    await goOn(worker, NOW_MS, () => {
      work(this.#fault.store?.(store) ?? store, this.#fault)
        .catch((thrown) => {
          this.breach ??= `${name}: ${thrown?.stack ?? thrown}`;
        })
        .finally(() => {
          this.workers = this.workers.filter((other) => other !== worker);
        });
    });
    return worker;
  }

  /** Plays a worker up to its next command with this prefix. Default: to the end. */
  async playUpTo(worker: Worker, command?: string): Promise<void> {
    for (let [next] = worker.sent; next !== undefined; [next] = worker.sent) {
      if (command !== undefined && next.text.startsWith(command)) return;
      await this.#take(worker, next);
    }
  }

  turns(): Step[] {
    return this.workers.flatMap((worker) =>
      heads(worker).map((command) => ({
        text: `${worker.name}: ${command.text}`,
        weight: 1,
        take: () => this.#take(worker, command),
      })),
    );
  }

  async #take(worker: Worker, command: Command): Promise<void> {
    const reply = command.effect();
    worker.sent = worker.sent.filter((other) => other !== command);
    worker.told(command.text, reply);
    await goOn(worker, NOW_MS, () => command.answer(reply));
  }

  breachInQuiet(batches: Scene['batches'], erased: readonly string[]): string | undefined {
    for (const [partition, users] of batches.entries()) {
      const stored = this.mongo.stored(`0:${partition}`);
      if (stored !== users.length - 1) return `partition ${partition} is stored through ${stored}`;
    }
    const left = [...this.mongo.calls.values()].map(({ user_id }) => user_id);
    const should = batches.flat().filter((userId) => !erased.includes(userId));
    return plain(left.sort()) === plain(should.sort()) ? undefined : `there are rows of ${left}`;
  }

  /** The same text for two worlds from which the same can follow. */
  state(): string {
    const { calls, progress, erasures } = this.mongo;
    const sorted = (documents: ReadonlyMap<string, object>) =>
      [...documents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, document]) => [id, sourceOr(document)]);
    return plain([
      [calls, progress, erasures].map(sorted),
      this.workers.map((worker) => [worker.name, worker.history(), worker.sent.map(({ text }) => text)]),
    ]);
  }
}

function sourceOr(document: object): object {
  return (document as { source?: Source }).source ?? document;
}

test('whoever is erased leaves no row, whenever others write', async (t) => {
  for (const [name, scene] of Object.entries<Scene>(SCENES)) {
    const { states, schedules, complete, found } = await exploreRuns<Erasing>(
      (choose) => play(scene, choose, {}),
      scene.large ? LARGE_STATES : STATES_MAX,
    );
    t.equal(found && [...found.steps, found.breach].join('\n'), undefined, name);
    t.ok(complete || scene.large, `${states} states, in ${schedules} schedules`);
  }
});

test('every broken rule is found', async (t) => {
  for (const [name, { fault, shownBy }] of Object.entries(FAULTS)) {
    const { states, found } = await exploreRuns<Erasing>(
      (choose) => play(SCENES[shownBy], choose, fault),
      STATES_MAX,
    );
    t.type(found?.breach, 'string', `${name}: after ${states} states`);
  }
});
