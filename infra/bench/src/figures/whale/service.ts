import type { CallEventProducer } from '@calltally/contract/producer';
import type { Range } from '@calltally/domain';
import { type Call, DAY_MS, dayOf, defaultWindowDays, startOfDay, type Tally } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { PROBED, Probes } from '../../probes.ts';
import { type Service, startService } from '../../world/service.ts';
import { spreadCalls, type World } from '../../world/world.ts';

const YEARS_MS = 730 * DAY_MS;
const ORDINARY = { users: 1_000, callsEach: 100, spanMs: 60 * DAY_MS };

/** A cold user with very many calls. */
export interface Whale {
  userId: string;
  key: string;
  /** The number of calls before the first event. */
  rows: number;
  truth: Truth;
}

export interface WhaleService extends Service {
  probes: Probes;
  /** Calls spread evenly over two years. */
  spread: Whale;
  /** All calls within the default window. */
  dense: Whale;
  /** Start of the first call, Unix ms. */
  from: number;
}

/** The whole service, with two whales among ordinary users. At first only Mongo has their calls. */
export async function startWhaleService(bench: Bench): Promise<WhaleService> {
  const rows = bench.size(5_000_000, 60_000);
  const until = Date.now();
  const from = until - YEARS_MS;
  const ordinary = Array.from({ length: ORDINARY.users }, (_, i) => `traffic-${i}`);
  const whaleOf = async (world: World, userId: string, range: Range): Promise<Whale> => {
    const truth = new Truth();
    await world.insert(noted(truth, spreadCalls([userId], rows, range)));
    const [key] = await world.createKeys([userId]);
    return { userId, key: key!, rows, truth };
  };
  const whales: Whale[] = [];
  const service = await startService(bench, 'whale', {
    trafficUsers: ORDINARY.users,
    async prepare(world) {
      bench.say(`${rows} calls each of two users, beside ${ORDINARY.users} with ${ORDINARY.callsEach} …`);
      const range = { from: until - ORDINARY.spanMs, until };
      await world.insert(spreadCalls(ordinary, ORDINARY.callsEach, range));
      whales.push(await whaleOf(world, 'whale', { from, until }));
      const firstOfWindow = startOfDay(dayOf(until) - defaultWindowDays + 1);
      whales.push(await whaleOf(world, 'whale-dense', { from: firstOfWindow, until }));
      await world.endStream();
    },
  });
  const [probedKey] = await service.world.createKeys([PROBED]);
  const probes = await Probes.start(bench, service.calls, service.api, probedKey!);
  return { ...service, probes, spread: whales[0]!, dense: whales[1]!, from };
}

function* noted(truth: Truth, calls: Iterable<Call>): Generator<Call> {
  for (const call of calls) {
    truth.add(call);
    yield call;
  }
}

const EVENTS_PER_SECOND = 10;
let made = 0;

/**
 * Sends events of a whale at equal intervals until stopped.
 * @returns stops it; resolves when the last event is acknowledged, and throws if one was not
 */
export function sendEvents(calls: CallEventProducer, { userId, truth }: Whale): () => Promise<void> {
  const sent: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    const startedAt = Date.now();
    const durationMs = 60_000;
    truth.add({ startedAt, durationMs });
    sent.push(
      calls.send({
        call_id: `event-${++made}`,
        user_id: userId,
        started_at: new Date(startedAt).toISOString(),
        duration_seconds: durationMs / 1_000,
      }),
    );
    sent.at(-1)!.catch(() => {}); // reported at the end
  }, 1_000 / EVENTS_PER_SECOND);
  return async () => {
    clearInterval(timer);
    await Promise.all(sent);
  };
}

/** A user's true calls, by UTC day. */
export class Truth {
  readonly #days = new Map<number, Tally>();

  add({ startedAt, durationMs }: { startedAt: number; durationMs: number }): void {
    const day = dayOf(startedAt);
    const { calls, durationMs: before } = this.#days.get(day) ?? { calls: 0, durationMs: 0 };
    this.#days.set(day, { calls: calls + 1, durationMs: before + durationMs });
  }

  /**
   * Checks an answer whose range starts with a UTC day and ends after all added calls.
   * @param text the body
   * @throws Error if the answer has other figures
   */
  check(text: string): void {
    const { date_range, total_calls, total_duration_minutes } = JSON.parse(text).data;
    const from = Date.parse(date_range.start_date);
    let calls = 0;
    let durationMs = 0;
    for (const [day, tally] of this.#days) {
      if (startOfDay(day) < from) continue;
      calls += tally.calls;
      durationMs += tally.durationMs;
    }
    // Calls last whole seconds, so rounding to hundredths of a minute never meets a tie.
    const minutes = Math.round(durationMs / 600) / 100;
    if (total_calls === calls && total_duration_minutes === minutes) return;
    throw new Error(
      `since ${date_range.start_date} ${calls} calls of ${minutes} minutes, answered with ${total_calls} of ${total_duration_minutes}`,
    );
  }
}
