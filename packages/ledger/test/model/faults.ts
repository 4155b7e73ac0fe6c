import type { Calls, Progress, Tallies } from '@calltally/store';
import type { Fault } from './world.ts';

/**
 * Each leaves one rule out, and the tests show that this is found.
 *
 * Some are not among them, since no number depends on them here. That `mark` and `apply` ask for the generation lets
 * ingest notice at once that Redis was emptied, and keeps as-of from another generation; counters of another one are
 * not read, and the next beginning starts from `stored` at the latest. That the commit comes after the mark does what
 * `stored` does as well: a beginning goes back to whichever is lowest. That a claim is shared keeps two openers from
 * replacing each other's for ever; they would both get nowhere, and count nothing wrong. That users are queued, taken
 * and filled from slots says who is filled when.
 */
export const FAULTS = {
  'the offset check is removed': {
    scripts: [
      { script: 'apply', from: 'if tonumber(ARGV[4]) <= applied then', to: 'if false then' },
      { script: 'apply', from: 'if tonumber(ARGV[3]) <= applied then', to: 'if false then' },
    ],
  },
  'stored is raised before the insert': {
    store: (store) => {
      const raiseFirst = async (rows: Parameters<Calls['insert']>[0]) => {
        for (const { source } of rows)
          await store.progress.advanceStored(source.stream, source.partition, source.offset);
        return store.calls.insert(rows);
      };
      return { ...store, calls: over(store.calls, { insert: raiseFirst }) };
    },
  },
  'stored is not waited for': {
    store: (store) => ({
      ...store,
      progress: over(store.progress, {
        advanceStored: async (...given: Parameters<Progress['advanceStored']>) => {
          store.progress.advanceStored(...given).catch(() => {});
        },
      }),
    }),
  },
  'stored is never raised': {
    store: (store) => ({ ...store, progress: over(store.progress, { advanceStored: async () => {} }) }),
  },
  'a duplicate counts': {
    store: (store) => ({
      ...store,
      calls: over(store.calls, {
        insert: async (rows: Parameters<Calls['insert']>[0]) =>
          (await store.calls.insert(rows)).map((outcome) =>
            outcome === 'duplicate' ? 'redelivered' : outcome,
          ),
      }),
    }),
  },
  'a redelivered event does not count': {
    store: (store) => {
      const strict = async (outcomes: ReturnType<Calls['insert']>) =>
        (await outcomes).map((outcome) => (outcome === 'redelivered' ? 'duplicate' : outcome));
      return {
        ...store,
        calls: over(store.calls, {
          insert: (rows: Parameters<Calls['insert']>[0]) => strict(store.calls.insert(rows)),
          insertMissing: (rows: Parameters<Calls['insert']>[0]) => strict(store.calls.insertMissing(rows)),
        }),
      };
    },
  },
  'a row that was lost is added': {
    store: (store) => ({
      ...store,
      calls: over(store.calls, {
        insertMissing: async (rows: Parameters<Calls['insert']>[0]) =>
          (await store.calls.insertMissing(rows)).map((outcome) =>
            outcome === 'inserted' ? 'redelivered' : outcome,
          ),
      }),
    }),
  },
  'whoever is unknown is opened, whatever claim stands': {
    scripts: [
      {
        script: 'open',
        from: 'if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then',
        to: "if head[1] == ARGV[1] and redis.call('HGET', KEYS[1], 'n') then",
      },
    ],
  },
  'stored is read before the claim': {
    process: (process) => {
      const { progress } = process.store;
      let before: ReturnType<Progress['storedThrough']> | undefined;
      const stored = () => {
        const read = before ?? progress.storedThrough();
        before = undefined;
        return read;
      };
      const open = () => {
        const session = process.open();
        before = undefined;
        const runForUsers = async (...given: Parameters<typeof session.runForUsers>) => {
          if (given[0] !== 'claim') return session.runForUsers(...given);
          const read = progress.storedThrough();
          await read;
          const claims = await session.runForUsers(...given);
          if (claims.some((claim) => claim !== 'complete' && claim !== 'filling')) before = read;
          return claims;
        };
        return over(session, { runForUsers });
      };
      return {
        ...process,
        open,
        store: { ...process.store, progress: over(progress, { storedThrough: stored }) },
      };
    },
  },
  'what an earlier life left behind stays': {
    scripts: [{ script: 'open', from: "redis.call('DEL', unpack(KEYS))", to: "redis.call('DEL', KEYS[1])" }],
  },
  'a fill has the same id when opened anew': {
    scripts: [{ script: 'open', from: "'i', ARGV[3]", to: "'i', 'always'" }],
  },
  'the id of a fill is not looked at': {
    scripts: [{ script: 'fill', from: 'or head[2] ~= ARGV[2]', to: '' }],
  },
  'a piece need not be the next': {
    scripts: [{ script: 'fill', from: 'or head[3] ~= ARGV[3]', to: '' }],
  },
  'base is not looked at': {
    scripts: [{ script: 'apply', from: 'if not applied and head[7] then', to: 'if false then' }],
  },
  'base goes before the last piece': {
    scripts: [
      {
        script: 'fill',
        from: "redis.call('HSET', user, 's', ARGV[4])",
        to: "redis.call('HSET', user, 's', ARGV[4], 'b', '')",
      },
    ],
  },
  'base goes, and what was applied is not noted': {
    scripts: [{ script: 'fill', from: "redis.call('HSETNX', user, ARGV[at], ARGV[at + 1])", to: '' }],
  },
  'a piece takes applied back': {
    scripts: [{ script: 'fill', from: "redis.call('HSETNX', user,", to: "redis.call('HSET', user," }],
  },
  'a piece has rows beyond base': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByDayAndPartition: (...[userIds, through, bounds]: Parameters<Tallies['sumByDayAndPartition']>) =>
          store.tallies.sumByDayAndPartition(
            userIds,
            new Map([...through].map(([key]) => [key, 1e9])),
            bounds,
          ),
      }),
    }),
  },
  'the first piece ends now': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByDayAndPartition: (
          ...[userIds, through, bounds]: Parameters<Tallies['sumByDayAndPartition']>
        ) => {
          const { from = -Infinity, until = Infinity } = bounds?.range ?? {};
          const range = { from, until: Math.min(until, Date.now()) };
          return store.tallies.sumByDayAndPartition(userIds, through, { ...bounds, range });
        },
      }),
    }),
  },
  'a piece that ends ahead of the clock has no end': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByDayAndPartition: (
          ...[userIds, through, bounds]: Parameters<Tallies['sumByDayAndPartition']>
        ) => {
          const { from = -Infinity, until = Infinity } = bounds?.range ?? {};
          const range = { from, until: until > Date.now() ? Infinity : until };
          return store.tallies.sumByDayAndPartition(userIds, through, { ...bounds, range });
        },
      }),
    }),
  },
  'a piece does not raise the latest start': {
    scripts: [{ script: 'fill', from: 'if tonumber(ARGV[5]) > tonumber(head[4]) then', to: 'if false then' }],
  },
  'generations are all the same': {
    scripts: [{ script: 'ensure-generation', from: "'id', ARGV[1]", to: "'id', 'always'" }],
  },
  'a mark goes back': {
    scripts: [
      {
        script: 'checkpoint',
        from: "if tonumber(ARGV[3]) > tonumber(head[2] or '-1') then",
        to: 'if true then',
      },
    ],
  },
  'the marks are not looked at': { looksAtCheckpoints: false },
  'the mark comes before apply': { order: ['checkpoint', 'record', 'commit'] },
  'the commit comes before all else': { order: ['commit', 'record', 'checkpoint'] },
  'a session goes on after a cut': { reconnects: true },
} satisfies Record<string, Fault>;

function over<T extends object>(whole: T, changed: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const value = (changed as Record<PropertyKey, unknown>)[name] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
