let next: Promise<void> | undefined;

/** Resolves in the next turn of the event loop, for all who wait in this one at once: behind every request that has arrived by now. */
export function nextTurn(): Promise<void> {
  next ??= new Promise((resolve) => {
    setImmediate(() => {
      next = undefined;
      resolve();
    });
  });
  return next;
}
