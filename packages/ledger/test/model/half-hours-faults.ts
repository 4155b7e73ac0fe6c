import type { Document } from 'mongodb';
import type { Fault } from './world.ts';

/** Each breaks one rule about sums by half-hour. */
export const HALF_HOURS_FAULTS = {
  'a piece adds no half-hours': {
    scripts: [
      {
        script: 'fill',
        from: 'add_detail_from(at, -math.huge)',
        to: 'add_half_hours = function() end add_detail_from(at, -math.huge)',
      },
    ],
  },
  'half-hours are added before the offset is checked': {
    scripts: [
      {
        script: 'apply',
        from: 'if tonumber(ARGV[4]) <= applied then\n  return 0\nend\nif',
        to: 'local is_applied = tonumber(ARGV[4]) <= applied\nif not is_applied and',
      },
      {
        script: 'apply',
        from: 'add_detail_from(groups_end + 1, from)',
        to: 'add_half_hours = function() end add_detail_from(groups_end + 1, from)',
      },
      {
        script: 'apply',
        from: 'for index, fields in pairs(sums) do',
        to: `local by_cell = add_cells
             add_cells = function() end
             add_detail_from(groups_end + 1, from)
             add_cells = by_cell
             if is_applied then return 0 end
             for index, fields in pairs(sums) do`,
      },
    ],
  },
  'what is taken away is taken from the half-hour of what is added': {
    scripts: [
      {
        script: 'add-detail',
        from: 'local sums, fields, firsts = cjson.decode(json), {}, {}',
        to: `local sums, fields, firsts = cjson.decode(json), {}, {}
             local added
             for i = 1, #sums, 3 do if sums[i + 1] == 1 then added = sums[i] end end
             for i = 1, #sums, 3 do if sums[i + 1] < 0 then sums[i] = added or sums[i] end end`,
      },
    ],
  },
  'half-hours of a chunk replace those before': {
    scripts: [
      {
        script: 'add-detail',
        from: 'local all = decode(chunks[n])',
        to: 'local all = decode()',
      },
    ],
  },
  'half-hours stay when a user is opened': {
    scripts: [
      {
        script: 'open',
        from: "redis.call('DEL', unpack(KEYS))",
        to: `for _, key in ipairs(KEYS) do
               if not string.find(key, ':h:') then redis.call('DEL', key) end
             end`,
      },
    ],
  },
  'rows take away from the half-hour of what is added': {
    stage: (stage) => withHalfHourOfPlus(stage) as Document,
  },
  'readers use what lies before since': {
    scripts: [
      {
        script: 'segments',
        from: "math.max(tonumber(head[3]), math.ceil(tonumber(head[5] or '0') / 86400000))",
        to: 'tonumber(head[3])',
      },
    ],
  },
} satisfies Record<string, Fault>;

function withHalfHourOfPlus(part: unknown, isOfHalfHour = false): unknown {
  if (part === '$minus.started_at' && isOfHalfHour) return '$plus.started_at';
  if (Array.isArray(part)) return part.map((one) => withHalfHourOfPlus(one, isOfHalfHour));
  if (typeof part !== 'object' || part === null || part instanceof Date) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      withHalfHourOfPlus(value, isOfHalfHour || name === 'h'),
    ]),
  );
}
