const TICK_MS = 10;

interface Waiting {
  dueTick: number;
  fail(): void;
}

const waiting = new Set<Waiting>();
let ticks = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Loop time: while this process stands still (a long turn of its event loop, a busy machine), it passes by one tick,
 * however long that takes by the clock. Between two ticks the process reads its sockets, so an answer that has arrived
 * is taken before anybody is blamed for being late.
 */
function tick(): void {
  ticks += 1;
  for (const one of waiting) {
    if (one.dueTick > ticks) continue;
    waiting.delete(one);
    one.fail();
  }
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/**
 * Awaits work within a limit in loop time.
 * @param limitMs in steps of 10 ms
 * @throws what `timeoutError` makes once the limit has passed; the work goes on, and its result is ignored
 */
export function withinLoopTime<T>(work: Promise<T>, limitMs: number, timeoutError: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // One more, because the present tick has partly passed.
    const dueTick = ticks + Math.ceil(limitMs / TICK_MS) + 1;
    const one = { dueTick, fail: () => reject(timeoutError()) };
    waiting.add(one);
    timer ??= setInterval(tick, TICK_MS);
    work.then(resolve, reject).finally(() => waiting.delete(one));
  });
}
