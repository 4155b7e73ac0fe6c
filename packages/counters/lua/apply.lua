-- Adds a user's canonical events of one partition to the user's counters, if all of them lie beyond `applied`.
-- KEYS[1] user (hash)   KEYS[2…] the months' and ISO years' buckets that the groups name by index
-- ARGV[1] generation    ARGV[2] applied field    ARGV[3] lowest and ARGV[4] highest offset of the events
-- ARGV[5] epoch ms of the latest start among the events
-- ARGV[6…] groups, one a UTC day:
--   day, day of month, week, month, index of its month's key, its expiry (epoch s), index of its week's key, its expiry,
--   calls, duration in ms
-- Reply: how many events were added, 0 when all of them lie at or below `applied`; -1 when the counters are absent, of
--   another generation or only claimed; -2 - applied when only some lie at or below it: ask again without these
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', ARGV[2], 'f', 'x', 'r', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[7]) then
  return -1
end
local applied = head[3]
if not applied and head[7] then
  -- `base` is a text of <stream>:<partition>=<offset>, each behind a space; the field is called a:<stream>:<partition>.
  applied = string.match(redis.call('HGET', user, 'b') or '', ' ' .. string.sub(ARGV[2], 3) .. '=(%d+)')
end
applied = tonumber(applied or '-1')
if tonumber(ARGV[4]) <= applied then
  return 0
end
if tonumber(ARGV[3]) <= applied then
  return -2 - applied
end

-- Lua's numbers lose digits when they turn into text by themselves.
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
local ready = {}
for number in string.gmatch(head[6] or '', '%d+') do ready[#ready + 1] = tonumber(number) end
local ready_day, ready_week, ready_month = ready[1], ready[2], ready[3]
local counted = 0
for i = 6, #ARGV, 10 do
  local day, week, month = tonumber(ARGV[i]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local calls, duration = tonumber(ARGV[i + 8]), tonumber(ARGV[i + 9])
  counted = counted + calls
  if day >= from then
    add(ARGV[i + 4], ARGV[i + 5], ARGV[i + 1], calls, duration)
    -- The month's own sum stands beside its days.
    add(ARGV[i + 4], ARGV[i + 5], '', calls, duration)
    add(ARGV[i + 6], ARGV[i + 7], ARGV[i + 2], calls, duration)
  end
  if ready_day then
    if day == ready_day then ready[4] = ready[4] + calls end
    if week == ready_week then ready[5] = ready[5] + calls end
    if month == ready_month then ready[6] = ready[6] + calls end
    if day <= ready_day and day >= ready_day - 30 then
      ready[7], ready[8] = ready[7] + calls, ready[8] + duration
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
  -- A bucket that is new gets its expiry, the user's hash never a shorter one.
  if fresh then
    redis.call('EXPIREAT', key, expiries[index])
    redis.call('EXPIREAT', user, expiries[index], 'GT')
  end
end

redis.call('HSET', user, ARGV[2], ARGV[4])
if tonumber(ARGV[5]) > tonumber(head[5]) then
  redis.call('HSET', user, 'x', ARGV[5])
end
if ready_day then
  for i, number in ipairs(ready) do ready[i] = exact(number) end
  redis.call('HSET', user, 'r', table.concat(ready, ' '))
end
return counted
