import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { CallEventProducerError } from '@calltally/contract/producer';
import type { Test } from '@calltally/stack/testing';
import type { Deployment } from './deployment.ts';
import { Oracle } from './oracle.ts';
import { Platform, type PlatformOptions } from './platform.ts';
import { Chance } from './random.ts';
import { Traffic } from './traffic.ts';

/** The service, its users with a key each, and an oracle that knows their calls. */
export interface World<D extends Deployment = Platform> {
  platform: D;
  traffic: Traffic;
  oracle: Oracle;
  /** API key by user id. */
  keys: ReadonlyMap<string, string>;
  chance: Chance;
}

/** Starts everything and waits until it is ready, without calls yet. Everything ends with `t`. */
export async function startWorld(
  t: Test & { comment(text: string): void },
  { users, ...options }: PlatformOptions & { users: number },
): Promise<World> {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  return worldOn(await Platform.start(t, options), users, chance);
}

/** Users of a deployment, with a key each and no calls yet. */
export async function worldOn<D extends Deployment>(
  platform: D,
  users: number,
  chance: Chance,
): Promise<World<D>> {
  const traffic = new Traffic(chance, platform.topic, users);
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  return { platform, traffic, oracle: new Oracle(), keys, chance };
}

/** Sends some calls and later events of them, and waits until Kafka acknowledged all. */
export async function sendCalls(
  { platform, traffic, oracle }: World<Deployment>,
  count: number,
): Promise<void> {
  const events = traffic.events(count, Date.now());
  for (const event of events) oracle.add(event);
  await platform.producer.sendAll(events);
  for (const event of events) oracle.acknowledge(event, Date.now());
}

const PAUSE_MS = 100;
const BURST_MAX = 60;
const TRIES_FOR_MS = 120_000;
/** Keys of messages, for other partitions than that of the user. */
const OTHER_KEYS = ['another-key', 'a-third', 'a-fourth'];

/** Events that flow during a fault: new ones, redeliveries, and both also by another partition. */
export class Flow {
  readonly #world: World<Deployment>;
  readonly #pauseMs: number;
  readonly #sent: CallEvent[] = [];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** @param pauseMs between bursts of events */
  constructor(world: World<Deployment>, pauseMs = PAUSE_MS) {
    this.#world = world;
    this.#pauseMs = pauseMs;
  }

  get sent(): number {
    return this.#sent.length;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when everything sent is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { platform, traffic, oracle, chance } = this.#world;
    while (!this.#stopped) {
      const fresh = traffic.events(chance.int(1, BURST_MAX), Date.now());
      const again = this.#sent.filter(() => chance.chance(5 / (this.#sent.length + 1)));
      // Tell the oracle before sending: counters may run ahead of the acknowledgement, but never of the oracle.
      for (const event of fresh) oracle.add(event);
      const elsewhere = new Set(fresh.filter(({ revision }) => revision && chance.chance(0.3)));
      const key = chance.pick(OTHER_KEYS);
      // At once, so that a correction may overtake its call.
      await Promise.all([
        patiently(() =>
          platform.producer.sendAll([...fresh.filter((event) => !elsewhere.has(event)), ...again]),
        ),
        patiently(() => platform.sendUnderKey(key, [...elsewhere])),
      ]);
      const acknowledgedAtMs = Date.now();
      for (const event of fresh) oracle.acknowledge(event, acknowledgedAtMs);
      if (again.length > 0 && chance.chance(0.3)) {
        await platform.sendUnderKey('another-key', again).catch(() => {});
      }
      this.#sent.push(...fresh);
      await sleep(this.#pauseMs);
    }
  }
}

/** Sends again what Kafka did not acknowledge. Some of it may have arrived all the same. */
async function patiently(send: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + TRIES_FOR_MS; ; await sleep(200)) {
    try {
      await send();
      return;
    } catch (thrown) {
      const isFinal = thrown instanceof CallEventProducerError && !thrown.retryable;
      if (isFinal || Date.now() > end) throw thrown;
    }
  }
}
