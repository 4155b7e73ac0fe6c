import type { Tallies } from '@calltally/store';
import type { Document } from 'mongodb';
import { over } from './over.ts';
import type { Fault } from './world.ts';

/** Each breaks one rule about sums by cell. */
export const CELLS_FAULTS = {
  'a piece adds no cells': {
    scripts: [{ script: 'fill', from: 'add_detail_from(at, -math.huge)', to: '' }],
  },
  'cells are added before the offset is checked': {
    scripts: [
      {
        script: 'apply',
        from: 'if tonumber(ARGV[4]) <= applied then\n  return 0\nend\nif',
        to: 'local is_applied = tonumber(ARGV[4]) <= applied\nif not is_applied and',
      },
      { script: 'apply', from: 'add_detail_from(groups_end + 1, from)', to: '' },
      {
        script: 'apply',
        from: 'for index, fields in pairs(sums) do',
        to: `add_detail_from(groups_end + 1, from)
             if is_applied then return 0 end
             for index, fields in pairs(sums) do`,
      },
    ],
  },
  'what is taken away is taken from the cell of what is added': {
    scripts: [
      {
        script: 'add-detail',
        from: 'numbers[told[i]]',
        to: 'numbers[told[i + 2] < 0 and #numbers + 1 - told[i] or told[i]]',
      },
    ],
  },
  'rows take away from the cell of what is added': {
    stage: (stage) => withLabelsOfPlus(stage) as Document,
  },
  'numbers of cells are not noted': {
    scripts: [{ script: 'add-detail', from: 'if counts then', to: 'if false then' }],
  },
  'sums go on behind too many cells': {
    scripts: [{ script: 'add-detail', from: "redis.call('HSET', month.cells, 'n', '-')", to: '' }],
  },
  'a piece with too many cells is left out': {
    scripts: [{ script: 'add-detail', from: 'drop_cells(month)\n    elseif', to: 'elseif' }],
  },
  'readers are not told of too many cells': {
    scripts: [
      {
        script: 'cells',
        from: "local hash = redis.call('HGETALL', KEYS[i])",
        to: `local hash = redis.call('HGETALL', KEYS[i])
             if hash[2] == '-' then hash = {} end`,
      },
    ],
  },
  'edges of a breakdown are of all rows': {
    store: (store) => ({
      ...store,
      tallies: over(store.tallies, {
        sumByCell: async (...[userId, ranges, asked, ...rest]: Parameters<Tallies['sumByCell']>) => {
          const { corrections } = typeof asked === 'function' ? await asked() : asked;
          return store.tallies.sumByCell(userId, ranges, { rows: undefined, corrections }, ...rest);
        },
      }),
    }),
  },
} satisfies Record<string, Fault>;

function withLabelsOfPlus(part: unknown): unknown {
  if (typeof part === 'string') return part.replace(/^\$minus\.(?=agent_id|direction|status)/, '$$plus.');
  if (Array.isArray(part)) return part.map(withLabelsOfPlus);
  if (typeof part !== 'object' || part === null || part instanceof Date) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, withLabelsOfPlus(value)]));
}
