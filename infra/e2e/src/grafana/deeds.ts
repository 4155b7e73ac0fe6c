import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaClient } from '@calltally/contract';
import { runCalltally } from '../command.ts';
import { ask, askFor } from '../dashboard.ts';
import { whileConnected } from '../engines.ts';
import { HOOKS } from '../platform.ts';
import { NO_LABEL } from '../traffic.ts';
import type { World } from '../world.ts';

const PAUSE_MS = 300;
/** A range that cuts a day, so that rows must be read. */
const CUT = 'start_date=2025-01-01T10:17:00Z';

/**
 * What a stack goes through besides good traffic, again and again until `signal` aborts, so that dashboards have something to
 * show.
 */
export async function doDeeds(
  world: World,
  keysOfPlatform: { read: string; write: string },
  signal: AbortSignal,
): Promise<void> {
  const { platform, keys, traffic } = world;
  const [[user, key] = ['', '']] = keys;
  const [intake] = platform.intakes;
  const hook = await makeHook(world);
  const post = async (address: string, apiKey: string, body: unknown) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
    await answer.arrayBuffer();
  };
  const call = () => ({
    ...traffic.call(Date.now()),
    user_id: `${user}-by-http`,
    duration_seconds: 1,
    ended_at: null,
  });
  const streaming = keepStream(`${platform.api.url}/analytics/stream`, key, signal);
  while (!signal.aborted) {
    for (const query of ['', CUT, 'period=7d']) await ask(platform.api.url, key, query);
    await ask(platform.api.url, keysOfPlatform.read, `user_id=nobody-${crypto.randomUUID()}`);
    await askFor('durations', platform.api.url, key);
    await askFor('timeseries', platform.api.url, key);
    await askFor('breakdown', platform.api.url, key, 'by=agent');
    await ask(platform.api.url, 'ct_wrong');
    await platform.sendMessages([{ key: user, value: 'no event' }]);
    await post(`${intake!.url}/calls`, keysOfPlatform.write, [
      call(),
      { ...call(), direction: NO_LABEL },
      { call_id: 'x' },
    ]);
    await post(hook.address, hook.secret, {
      tenant: `${user}-by-hook`,
      uuid: crypto.randomUUID(),
      start: new Date(),
      seconds: '1',
    });
    await post(hook.address, hook.secret, { tenant: `${user}-by-hook` });
    await post(hook.address, 'wrong', {});
    await sleep(PAUSE_MS);
  }
  await streaming;
}

/** Begins a stream and ends it, again and again. */
async function keepStream(address: string, apiKey: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ending = new AbortController();
    const headers = { authorization: `Bearer ${apiKey}` };
    const { body } = await fetch(address, { headers, signal: ending.signal });
    await body?.getReader().read();
    await sleep(PAUSE_MS * 5);
    ending.abort();
  }
}

async function makeHook({ platform }: World): Promise<{ address: string; secret: string }> {
  const env = { ...HOOKS, PUBLIC_URL: platform.intakes[0]!.url, MONGODB_URI: platform.mongoUri };
  const mapped = ['call_id=uuid', 'started_at=start', 'duration_seconds=seconds'];
  const made = ['hooks', 'create', '--provider', 'generic', '--user-from', 'tenant', '--json'];
  const { out, err } = await runCalltally(env, ...made, ...mapped.flatMap((one) => ['--map', one]));
  if (out === '') throw new Error(err);
  return JSON.parse(out);
}

/** Runs `work` while a producer's transaction holds a partition, then gives the transaction up. */
export async function withOpenTransaction<T>({ platform }: World, work: () => Promise<T>): Promise<T> {
  const kafka = kafkaClient({ brokers: [platform.kafka.address], clientId: 'calltally-e2e' });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: platform.topic,
  });
  return whileConnected(producer, async () => {
    const transaction = await producer.transaction();
    await transaction.send({
      topic: platform.topic,
      messages: [{ value: 'never counted', partition: 0 }],
      acks: -1,
    });
    try {
      return await work();
    } finally {
      await transaction.abort();
    }
  });
}
