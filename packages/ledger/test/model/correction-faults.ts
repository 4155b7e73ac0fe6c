import { type Corrections, correctionId, type Tallies } from '@calltally/store';
import type { Document } from 'mongodb';
import { elsewhere, over } from './over.ts';
import type { Fault } from './world.ts';

/** Each breaks one rule about corrections. */
export const CORRECTION_FAULTS = {
  'a correction takes nothing away': {
    store: (store) => ({
      ...store,
      corrections: over(store.corrections, {
        insert: (rows: Parameters<Corrections['insert']>[0]) => {
          for (const row of rows) delete row.minus;
          return store.corrections.insert(rows);
        },
      }),
    }),
  },
  'a correction that comes again is judged by its revision': {
    store: (store) => ({
      ...store,
      corrections: over(store.corrections, {
        of: async (rowIds: readonly string[]) =>
          new Map([...(await store.corrections.of(rowIds))].map(([id, rows]) => [id, rows.map(elsewhere)])),
      }),
    }),
  },
  'two corrections may have the same number': {
    store: (store) => ({
      ...store,
      corrections: over(store.corrections, {
        insert: async (rows: Parameters<Corrections['insert']>[0]) => {
          const taken = await store.corrections.insert(rows);
          const second = rows.filter(({ _id }) => taken.has(_id));
          await store.corrections.insert(second.map((row) => ({ ...row, _id: correctionId(row._id, 1) })));
          return new Set<string>();
        },
      }),
    }),
  },
  'corrections are left out of the fill': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByDayAndPartition: async (...given: Parameters<Tallies['sumByDayAndPartition']>) =>
          (await store.tallies.sumByDayAndPartition(...given)).filter(({ isCorrection }) => !isCorrection),
      }),
    }),
  },
  'corrections are left out of edges': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByRange: async (...[userId, ranges, asked]: Parameters<Tallies['sumByRange']>) => {
          const { rows } = typeof asked === 'function' ? await asked() : asked;
          return store.tallies.sumByRange(userId, ranges, { rows, corrections: undefined });
        },
      }),
    }),
  },
  'a correction is applied before what it needs': {
    scripts: [{ script: 'apply', from: '    return -2\n', to: '' }],
  },
  'a user is filled with a correction, but not with what it needs': {
    store: (store) => ({
      ...store,
      corrections: over(store.corrections, { usersWithUnmetNeeds: async () => new Set<string>() }),
    }),
  },
  'sums have a correction, but not what it needs': { stage: (stage) => withoutNeeds(stage) as Document },
} satisfies Record<string, Fault>;

function withoutNeeds(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutNeeds);
  if (typeof part !== 'object' || part === null || part instanceof Date) return part;
  const rest = Object.entries(part).filter(([name]) => name !== 'needs');
  return Object.fromEntries(rest.map(([name, value]) => [name, withoutNeeds(value)]));
}
