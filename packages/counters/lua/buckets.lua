-- Adds up a user's buckets, and stores the window sums for the next reader of this UTC day.
-- KEYS[1] user (hash)   KEYS[2] bucket of the ISO year of this week   KEYS[3…] month buckets
-- ARGV[1] generation  ARGV[2] today (UTC day)  ARGV[3] this week  ARGV[4] this month  ARGV[5] day of month
-- ARGV[6] index of this month's key
-- ARGV[7] segments of the default window  ARGV[8] segments of the range. Each is a text, since a command costs by the
--   number of its arguments: `index of a month's key,first day of month,last` with spaces between; first = 0 means the whole month
-- Reply: {} when the counters are absent, of another generation, or not complete for the default window; else
--   first complete day, latest start (epoch ms), calls today, this week, this month, calls and ms of the default
--   window, calls and ms of the range, then applied field, offset, …; `b` and `base` while the user is being filled; `k` and 1 if a
--   correction is counted
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', 'f', 'x', 'r', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[6]) then
  return {}
end
local from = tonumber(head[3])
if head[6] then
  -- Days at or after since are complete. The default window contains the current week and month.
  local complete = math.ceil(tonumber(head[6]) / 86400000)
  if complete > tonumber(ARGV[2]) - 30 then
    return {}
  end
  from = math.max(from, complete)
end

local function sum_of(index, first, last)
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
  for i, value in ipairs(redis.call('HMGET', KEYS[index], unpack(fields))) do
    if value then
      if i % 2 == 1 then calls = calls + tonumber(value) else duration = duration + tonumber(value) end
    end
  end
  return calls, duration
end

local function sum_of_all(segments)
  local calls_sum, duration_sum = 0, 0
  for index, first, last in string.gmatch(segments, '(%d+),(%d+),(%d+)') do
    local calls, duration = sum_of(tonumber(index), tonumber(first), tonumber(last))
    calls_sum, duration_sum = calls_sum + calls, duration_sum + duration
  end
  return calls_sum, duration_sum
end

-- Lua's own conversion to text loses digits.
local function exact(number) return string.format('%.0f', number) end

local day, today, week, month, window_calls, window_duration
if head[5] then
  day, today, week, month, window_calls, window_duration =
    string.match(head[5], '^(%d+) %d+ %d+ (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$')
end
if day ~= ARGV[2] then
  local this_month = redis.call('HMGET', KEYS[tonumber(ARGV[6])], ARGV[5] .. 'c', 'c')
  today, month = this_month[1] or '0', this_month[2] or '0'
  week = redis.call('HGET', KEYS[2], ARGV[3] .. 'c') or '0'
  local calls_sum, duration_sum = sum_of_all(ARGV[7])
  window_calls, window_duration = exact(calls_sum), exact(duration_sum)
  -- A full Redis refuses to write, but can still be read.
  redis.pcall('HSET', user, 'r',
    table.concat({ ARGV[2], ARGV[3], ARGV[4], today, week, month, window_calls, window_duration }, ' '))
end

local range_calls, range_duration = sum_of_all(ARGV[8])
local reply = { exact(from), head[4], today, week, month, window_calls, window_duration, exact(range_calls),
  exact(range_duration) }
local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' or all[i] == 'b' or all[i] == 'k' then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
  end
end
return reply
