import { createHook } from 'node:async_hooks';
import type { Test } from '@calltally/stack/testing';

/** Counts the TLS connections that this process opens. */
export function countTlsConnections(t: Test): () => number {
  let opened = 0;
  const hook = createHook({
    init(_, type) {
      if (type === 'TLSWRAP') opened += 1;
    },
  });
  hook.enable();
  t.teardown(() => hook.disable());
  return () => opened;
}
