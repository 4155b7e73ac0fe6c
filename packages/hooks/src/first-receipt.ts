type Event = Readonly<Record<string, unknown>>;

/**
 * An event whose start is known only from a receipt, moved to the first receipt of its call: a repetition is then the same
 * event. The start may lie before the receipt, by a duration.
 * @param receivedAtMs of the receipt that `started_at` was made from, epoch ms
 * @param firstMs of the first receipt, epoch ms
 */
export function fromFirstReceipt(event: Event, receivedAtMs: number, firstMs: number): Event {
  const startedMs = Date.parse(String(event.started_at)) + firstMs - receivedAtMs;
  return { ...event, started_at: new Date(startedMs).toISOString() };
}
