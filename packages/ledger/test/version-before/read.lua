-- Adds up a user's buckets, and leaves the sums of the default window ready for the next reader of this UTC day.
-- KEYS[1] user (hash)   KEYS[2] ISO year's buckets that hold this week   KEYS[3…] months' buckets
-- ARGV[1] generation  ARGV[2] today (UTC day)  ARGV[3] this week  ARGV[4] this month  ARGV[5] day of month
-- ARGV[6] index of this month's key
-- ARGV[7] n, then n segments of the default window; then the segments of the range. A segment is
--   index of a month's key, first and last day of month; first = 0 means the whole month
-- Reply: {} when the counters are absent, of another generation or not complete; else
--   first complete day, latest start (epoch ms), calls today, this week, this month, calls and ms of the default
--   window, calls and ms of the range, then applied field, offset, …
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', 'f', 'x', 'r')
if head[1] ~= ARGV[1] or head[2] ~= '1' then
  return {}
end

local function segment(at)
  local key, first, last = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local fields = {}
  if first == 0 then
    fields = { 'c', 'd' }
  else
    for day = first, last do
      fields[#fields + 1] = day .. 'c'
      fields[#fields + 1] = day .. 'd'
    end
  end
  local calls, duration = 0, 0
  for i, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if value then
      if i % 2 == 1 then calls = calls + tonumber(value) else duration = duration + tonumber(value) end
    end
  end
  return calls, duration
end

-- Lua's numbers lose digits when they turn into text by themselves.
local function exact(number) return string.format('%.0f', number) end

local window_end = 7 + 3 * tonumber(ARGV[7])
local day, today, week, month, window_calls, window_duration
if head[5] then
  day, today, week, month, window_calls, window_duration =
    string.match(head[5], '^(%d+) %d+ %d+ (%d+) (%d+) (%d+) (%d+) (%d+)$')
end
if day ~= ARGV[2] then
  local this_month = redis.call('HMGET', KEYS[tonumber(ARGV[6])], ARGV[5] .. 'c', 'c')
  today, month = this_month[1] or '0', this_month[2] or '0'
  week = redis.call('HGET', KEYS[2], ARGV[3] .. 'c') or '0'
  local calls_sum, duration_sum = 0, 0
  for at = 8, window_end, 3 do
    local calls, duration = segment(at)
    calls_sum, duration_sum = calls_sum + calls, duration_sum + duration
  end
  window_calls, window_duration = exact(calls_sum), exact(duration_sum)
  -- A Redis that is full refuses to write; it can be read all the same.
  redis.pcall('HSET', user, 'r',
    table.concat({ ARGV[2], ARGV[3], ARGV[4], today, week, month, window_calls, window_duration }, ' '))
end

local range_calls, range_duration = 0, 0
for at = window_end + 1, #ARGV, 3 do
  local calls, duration = segment(at)
  range_calls, range_duration = range_calls + calls, range_duration + duration
end
local reply = { head[3], head[4], today, week, month, window_calls, window_duration, exact(range_calls),
  exact(range_duration) }
local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
  end
end
return reply
