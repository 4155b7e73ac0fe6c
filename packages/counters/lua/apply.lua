-- Adds a user's canonical events of one partition to the user's counters: those beyond `applied`, and no others.
-- KEYS[1] user (hash)   KEYS[2…] the months' and ISO years' buckets that the groups name by index
-- ARGV[1] generation    ARGV[2] applied field    ARGV[3] highest offset of the events
-- ARGV[4] epoch ms of the latest start among the events
-- ARGV[5…] groups, one a UTC day:
--   day, day of month, week, month, index of its month's key, its expiry (epoch s), index of its week's key, its expiry,
--   n, then n times: offset, duration in ms
-- Reply: how many events were added; -1 when the counters are absent, of another generation or not complete
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', ARGV[2], 'f', 'x', 'rd', 'rw', 'ro')
if head[1] ~= ARGV[1] or head[2] ~= '1' then
  return -1
end
local applied = tonumber(head[3] or '-1')
if tonumber(ARGV[3]) <= applied then
  return 0
end
local from = tonumber(head[4])
local ready_day, ready_week, ready_month = tonumber(head[6]), tonumber(head[7]), tonumber(head[8])
local counted = 0

-- The month's own sum stands beside its days; a bucket that is new gets its expiry, the user's hash never a shorter one.
local function add(key, expiry, field, calls, duration)
  local now = redis.call('HINCRBY', key, field .. 'c', calls)
  redis.call('HINCRBY', key, field .. 'd', duration)
  if now == calls then
    redis.call('EXPIREAT', key, expiry)
    redis.call('EXPIREAT', user, expiry, 'GT')
  end
end

local i = 5
while i <= #ARGV do
  local day, week, month = tonumber(ARGV[i]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local n = tonumber(ARGV[i + 8])
  local calls, duration = 0, 0
  for j = i + 9, i + 8 + 2 * n, 2 do
    if tonumber(ARGV[j]) > applied then
      calls = calls + 1
      duration = duration + tonumber(ARGV[j + 1])
    end
  end
  if calls > 0 then
    counted = counted + calls
    if day >= from then
      local month_key, month_expiry = KEYS[tonumber(ARGV[i + 4])], ARGV[i + 5]
      add(month_key, month_expiry, ARGV[i + 1], calls, duration)
      add(month_key, month_expiry, '', calls, duration)
      add(KEYS[tonumber(ARGV[i + 6])], ARGV[i + 7], ARGV[i + 2], calls, duration)
    end
    if ready_day then
      if day <= ready_day and day >= ready_day - 30 then
        redis.call('HINCRBY', user, 'rc', calls)
        redis.call('HINCRBY', user, 'rm', duration)
      end
      if day == ready_day then redis.call('HINCRBY', user, 'dc', calls) end
      if week == ready_week then redis.call('HINCRBY', user, 'wc', calls) end
      if month == ready_month then redis.call('HINCRBY', user, 'mc', calls) end
    end
  end
  i = i + 9 + 2 * n
end
redis.call('HSET', user, ARGV[2], ARGV[3])
if tonumber(ARGV[4]) > tonumber(head[5]) then
  redis.call('HSET', user, 'x', ARGV[4])
end
return counted
