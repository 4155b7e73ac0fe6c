import type { Test } from '@calltally/stack/testing';
import { Oracle } from './oracle.ts';
import { Platform, type PlatformOptions } from './platform.ts';
import { Chance } from './random.ts';
import { Traffic } from './traffic.ts';

/** The service, its users with a key each, and what is known about their calls without it. */
export interface World {
  platform: Platform;
  traffic: Traffic;
  oracle: Oracle;
  /** API key by user id. */
  keys: ReadonlyMap<string, string>;
  chance: Chance;
}

/** Everything up and ready, without a call so far; all of it ends with `t`. */
export async function startWorld(
  t: Test & { comment(text: string): void },
  { users, ...options }: PlatformOptions & { users: number },
): Promise<World> {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const platform = await Platform.start(t, options);
  const traffic = new Traffic(chance, platform.topic, users);
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  return { platform, traffic, oracle: new Oracle(), keys, chance };
}

/** Sends some new calls and waits until Kafka has them. */
export async function sendCalls({ platform, traffic, oracle }: World, count: number): Promise<void> {
  const events = traffic.calls(count, Date.now());
  for (const event of events) oracle.add(event);
  await platform.producer.sendAll(events);
  for (const event of events) oracle.acknowledge(event, Date.now());
}
