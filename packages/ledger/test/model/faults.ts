import { type Calls, type Progress, sameSource, type Tallies } from '@calltally/store';
import { CELLS_FAULTS } from './cells-faults.ts';
import { CORRECTION_FAULTS } from './correction-faults.ts';
import { HALF_HOURS_FAULTS } from './half-hours-faults.ts';
import { elsewhere, over } from './over.ts';
import type { Fault } from './world.ts';

/**
 * Each breaks one rule, and the tests show that this is found.
 *
 * Some rules are not among them, because no number depends on them here. That `checkpoint` and `apply` check the generation
 * lets ingest notice at once that Redis was emptied, and keeps as-of apart from another generation's; but counters of
 * another generation are not read, and the next epoch starts from `stored` at the latest. That the commit comes after the
 * checkpoint is covered by `stored` as well: an epoch starts from whichever is lowest. That a claim is shared keeps two
 * openers from replacing each other's claims for ever; they would get nowhere, but count nothing wrong. Queue,
 * reservations and slots decide only who is filled when.
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
  'stored is not awaited': {
    store: (store) => ({
      ...store,
      progress: over(store.progress, {
        advanceStored: async (...given: Parameters<Progress['advanceStored']>) => {
          store.progress.advanceStored(...given).catch(() => {});
          return true;
        },
      }),
    }),
  },
  'stored is never raised': {
    store: (store) => ({ ...store, progress: over(store.progress, { advanceStored: async () => true }) }),
  },
  'a duplicate counts': {
    store: (store) => ({
      ...store,
      calls: over(store.calls, {
        insert: async (rows: Parameters<Calls['insert']>[0]) =>
          (await store.calls.insert(rows)).map((standing, i) => standing && rows[i]),
      }),
    }),
  },
  'a redelivered event does not count': {
    store: (store) => ({
      ...store,
      calls: over(store.calls, {
        insert: async (rows: Parameters<Calls['insert']>[0]) =>
          (await store.calls.insert(rows)).map((standing, i) =>
            standing && sameSource(standing.source, rows[i]!.source) ? elsewhere(standing) : standing,
          ),
        find: async (ids: readonly string[]) =>
          new Map([...(await store.calls.find(ids))].map(([id, row]) => [id, elsewhere(row)])),
      }),
    }),
  },
  'a lost row is added': {
    store: (store) => {
      let again = false;
      const find = (ids: readonly string[]) => {
        again = true;
        return store.calls.find(ids);
      };
      const insert = async (rows: Parameters<Calls['insert']>[0]) => {
        const standing = await store.calls.insert(rows);
        const given = again ? standing.map((row, i) => row ?? rows[i]) : standing;
        again = false;
        return given;
      };
      return { ...store, calls: over(store.calls, { find, insert }) };
    },
  },
  'an unknown user is opened, whatever claim stands': {
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
  'old buckets stay when a user is opened': {
    scripts: [{ script: 'open', from: "redis.call('DEL', unpack(KEYS))", to: "redis.call('DEL', KEYS[1])" }],
  },
  'a reopened user has the same fill id': {
    scripts: [{ script: 'open', from: "'i', ARGV[3]", to: "'i', 'always'" }],
  },
  'the fill id is ignored': {
    scripts: [{ script: 'fill', from: 'or head[2] ~= ARGV[2]', to: '' }],
  },
  'a piece need not be the next': {
    scripts: [{ script: 'fill', from: 'or head[3] ~= ARGV[3]', to: '' }],
  },
  'base is ignored': {
    scripts: [{ script: 'apply', from: 'if not own and head[7] then', to: 'if false then' }],
  },
  'base is deleted before the last piece': {
    scripts: [
      {
        script: 'fill',
        from: "redis.call('HSET', user, 's', ARGV[4])",
        to: "redis.call('HSET', user, 's', ARGV[4], 'b', '')",
      },
    ],
  },
  'base is deleted without noting the applied offsets': {
    scripts: [{ script: 'fill', from: "redis.call('HSETNX', user, ARGV[at], ARGV[at + 1])", to: '' }],
  },
  'a piece moves applied back': {
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
  'all generations have the same id': {
    scripts: [{ script: 'ensure-generation', from: "'id', ARGV[1]", to: "'id', 'always'" }],
  },
  'a checkpoint goes back': {
    scripts: [
      {
        script: 'checkpoint',
        from: "and tonumber(through) > tonumber(redis.call('HGET', KEYS[1], field) or '-1')",
        to: '',
      },
    ],
  },
  'checkpoints are ignored': { looksAtCheckpoints: false },
  'the checkpoint comes before apply': { order: ['checkpoint', 'record', 'commit'] },
  'masters without users of a batch hear of it before it is applied': {
    order: ['announce', 'record', 'checkpoint', 'commit'],
  },
  'as-of is that of some partitions': {
    scripts: [
      { script: 'advance-as-of', from: 'times[partition]\n', to: 'times[partition] or lowest or 99\n' },
    ],
  },
  'the commit comes first': { order: ['commit', 'record', 'checkpoint'] },
  'a session goes on after a cut': { reconnects: true },
  'checkpoints of a master that was away are ignored': { looksAtCheckpoints: false },
  'a checkpoint needs no tenure': {
    scripts: [{ script: 'checkpoint', from: "or (head[2] or '') ~= ARGV[2]", to: '' }],
  },
  'slots that left are not noted': {
    scripts: [{ script: 'take-slots', from: 'ARGV[6] .. left', to: "'' .. left" }],
  },
  'slots that are gone are not noted with a checkpoint': {
    scripts: [{ script: 'checkpoint', from: "if ARGV[3] ~= '' then", to: 'if false then' }],
  },
  'what a checkpoint noted is overwritten': {
    scripts: [
      { script: 'take-slots', from: '.. left:sub(#ARGV[5] + 1)', to: '' },
      { script: 'take-slots', from: 'or left:sub(1, #ARGV[5]) ~= ARGV[5]', to: '' },
    ],
  },
  ...CELLS_FAULTS,
  ...HALF_HOURS_FAULTS,
  ...CORRECTION_FAULTS,
} satisfies Record<string, Fault>;
