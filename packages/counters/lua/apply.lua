-- Adds a user's canonical events of one partition to the user's counters, if all of them lie beyond the offset that the
-- user is applied through.
-- KEYS[1] user (hash)   KEYS[2…] buckets, and what there is of detail, which the groups name by index
-- ARGV[1] generation    ARGV[2] applied field    ARGV[3] lowest and ARGV[4] highest offset of the events
-- ARGV[5] latest start among the events (epoch ms)
-- ARGV[6] how many events   ARGV[7] 1 if there is a correction among them
-- ARGV[8] n, then n times applied field, offset: what the user must be applied through before
-- ARGV[…] n, then n groups, one for each UTC day:
--   day, day of month, week, month, index of the month's key, its expiry (epoch s), index of the week's key, its expiry,
--   calls, duration in ms; corrections may take away
-- ARGV[…] the same by half-hour and by cell: see `add_detail_from`
-- Reply: how many events were added, 0 when all were applied before; -1 when the counters are absent, of another
--   generation or only claimed; -2 when a correction needs more; -3 - applied when some were applied before: ask again
--   without these
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', ARGV[2], 'f', 'x', 'r', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[7]) then
  return -1
end

-- `base` is a text of <partition id>=<offset>, each behind a space. The field is called a:<partition id>.
local function applied_through(field, own)
  if not own and head[7] then
    own = string.match(redis.call('HGET', user, 'b') or '', ' ' .. string.sub(field, 3) .. '=(%d+)')
  end
  return tonumber(own or '-1')
end

local applied = applied_through(ARGV[2], head[3])
if tonumber(ARGV[4]) <= applied then
  return 0
end
if tonumber(ARGV[3]) <= applied then
  return -3 - applied
end
local groups = 9 + 2 * tonumber(ARGV[8])
for i = 9, groups - 1, 2 do
  if applied_through(ARGV[i], redis.call('HGET', user, ARGV[i])) < tonumber(ARGV[i + 1]) then
    return -2
  end
end

-- Lua's own conversion to text loses digits.
local function exact(number) return string.format('%.0f', number) end

local sums, expiries = {}, {}
local function add(index, expiry, field, calls, duration)
  local fields = sums[index]
  if not fields then
    fields = {}
    sums[index], expiries[index] = fields, expiry
  end
  fields[field .. 'c'] = (fields[field .. 'c'] or 0) + calls
  fields[field .. 'd'] = (fields[field .. 'd'] or 0) + duration
end

local from = tonumber(head[4])
local window = {}
for number in string.gmatch(head[6] or '', '%-?%d+') do window[#window + 1] = tonumber(number) end
local window_day, window_week, window_month = window[1], window[2], window[3]
local groups_end = groups + 10 * tonumber(ARGV[groups])
for i = groups + 1, groups_end, 10 do
  local day, week, month = tonumber(ARGV[i]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local calls, duration = tonumber(ARGV[i + 8]), tonumber(ARGV[i + 9])
  if day >= from then
    add(ARGV[i + 4], ARGV[i + 5], ARGV[i + 1], calls, duration)
    -- The month's own sum, beside its days.
    add(ARGV[i + 4], ARGV[i + 5], '', calls, duration)
    add(ARGV[i + 6], ARGV[i + 7], ARGV[i + 2], calls, duration)
  end
  if window_day then
    if day == window_day then window[4] = window[4] + calls end
    if week == window_week then window[5] = window[5] + calls end
    if month == window_month then window[6] = window[6] + calls end
    if day <= window_day and day >= window_day - 30 then
      window[7], window[8] = window[7] + calls, window[8] + duration
    end
  end
end

for index, fields in pairs(sums) do
  local key, names, values = KEYS[tonumber(index)], {}, {}
  for name in pairs(fields) do names[#names + 1] = name end
  local fresh = false
  for i, before in ipairs(redis.call('HMGET', key, unpack(names))) do
    fresh = fresh or not before
    values[2 * i - 1] = names[i]
    values[2 * i] = exact(tonumber(before or 0) + fields[names[i]])
  end
  redis.call('HSET', key, unpack(values))
  -- A new bucket gets its expiry, and the user's hash at least the same.
  if fresh then
    redis.call('EXPIREAT', key, expiries[index])
    redis.call('EXPIREAT', user, expiries[index], 'GT')
  end
end

add_detail_from(groups_end + 1, from)

redis.call('HSET', user, ARGV[2], ARGV[4])
if ARGV[7] == '1' then
  redis.call('HSET', user, 'k', '1')
end
if tonumber(ARGV[5]) > tonumber(head[5]) then
  redis.call('HSET', user, 'x', ARGV[5])
end
if window_day then
  for i, number in ipairs(window) do window[i] = exact(number) end
  redis.call('HSET', user, 'r', table.concat(window, ' '))
end
return tonumber(ARGV[6])
