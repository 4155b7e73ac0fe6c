/** How finely time is told. */
const TICK_MS = 10;

interface Waiting {
  dueTick: number;
  late(): void;
}

const waiting = new Set<Waiting>();
let ticks = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Time as this process lives it: while it stands still (a long turn of its event loop, a machine with other things to
 * do) it passes by one tick, however long that takes by the clock. Between two ticks the process has looked at its
 * sockets, so that an answer which lies there is taken before anybody is blamed for being late with it.
 */
function tick(): void {
  ticks += 1;
  for (const one of waiting) {
    if (one.dueTick > ticks) continue;
    waiting.delete(one);
    one.late();
  }
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/**
 * What `work` comes to, within a limit that does not run while this process itself stands still.
 * @param limitMs in steps of 10 ms
 * @throws what `late` makes, when the limit has passed; what becomes of the work then is nobody's business
 */
export function withinLoopTime<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // The tick that is under way is shorter than others.
    const one = { dueTick: ticks + Math.ceil(limitMs / TICK_MS) + 1, late: () => reject(late()) };
    waiting.add(one);
    timer ??= setInterval(tick, TICK_MS);
    work.then(resolve, reject).finally(() => waiting.delete(one));
  });
}
