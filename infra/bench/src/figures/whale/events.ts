import type { CallEventProducer } from '@calltally/contract/producer';
import type { Whale } from './service.ts';

const EVENTS_PER_SECOND = 10;
let made = 0;

/**
 * Sends events of a whale's at even distances until it is ended.
 * @returns ends it; resolves when the last one was acknowledged, and throws where one was not
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
    sent.at(-1)!.catch(() => {}); // told at the end
  }, 1_000 / EVENTS_PER_SECOND);
  return async () => {
    clearInterval(timer);
    await Promise.all(sent);
  };
}
