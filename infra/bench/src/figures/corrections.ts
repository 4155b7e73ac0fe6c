import type { CallEvent } from '@calltally/contract';
import { countRest } from '../counting.ts';
import { usEach } from '../cpu-time.ts';
import { freshRedis, mongo } from '../engines.ts';
import type { Figure } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { backlog, Topic } from '../world/topic.ts';

const EVERY = 10;
/** A pattern. */
const CORRECTED = 'calltally_events_total\\{outcome="corrected"[^}]*\\}';

export const corrections: Figure = {
  name: 'corrections',
  lines: [{ name: 'corrections', unit: 'events/s' }],
  async measure(bench, note) {
    const before = bench.size(1_000_000, 6_000);
    const events = bench.size(200_000, 6_000);
    bench.say(`${before} calls are counted …`);
    const [{ address }, redis, topic] = await Promise.all([
      bench.shared(mongo),
      freshRedis(bench),
      Topic.create(bench, 'corrections'),
    ]);
    const env = {
      ...topic.environment,
      REDIS_URL: redis.address,
      MONGODB_URI: `${address}/corrections`,
    };
    let sent = 0;
    const count = async (given: readonly CallEvent[]) => {
      await topic.send(given);
      sent += given.length;
      const { ingest, ...spent } = await countRest(bench, topic, env, sent);
      const corrected = (await ingest.metrics()).sum(CORRECTED);
      await ingest.stop();
      const perSecond = (given.length / spent.tookMs) * 1_000;
      return { perSecond, us: usEach(spent, given.length), corrected };
    };
    const calls = backlog('before', before);
    await count(calls);
    for (let round = 1; round <= bench.rounds; round++) {
      const { ours, other } = await takeTurns(
        round,
        () => count(withCorrections(backlog(`with-${round}`, events), calls, round)),
        () => count(backlog(`without-${round}`, events)),
      );
      const expected = events / EVERY;
      if (ours.corrected !== expected) throw new Error(`${ours.corrected} of ${expected} were corrections`);
      note('corrections', {
        ours: ours.perSecond,
        other: other.perSecond,
        oursUs: ours.us,
        otherUs: other.us,
      });
    }
  },
};

/** Every tenth event corrects the duration of one of the calls; no call twice. */
function withCorrections(
  events: readonly CallEvent[],
  calls: readonly CallEvent[],
  revision: number,
): CallEvent[] {
  const step = Math.floor((calls.length * EVERY) / events.length);
  return events.map((event, i): CallEvent => {
    if (i % EVERY !== 0) return event;
    const call = calls[((i / EVERY) * step + revision) % calls.length]!;
    return { ...call, duration_seconds: Math.floor(Math.random() * 600_000) / 1_000, revision } as CallEvent;
  });
}
