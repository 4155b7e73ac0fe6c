-- Tells single days, weeks, months and half-hours of a user, at one moment. Adds nothing up and writes nothing.
-- KEYS[1] user (hash)   KEYS[2…] month and ISO year buckets, and half-hours of months
-- ARGV[1] generation
-- ARGV[2…] segments: index of a bucket key, first and last of its days or weeks, 0; first = 0 means a month's own sum. Of
--   half-hours: index of their key, first and last of its chunks, index of the month's bucket
-- Reply: {} when the counters are absent, of another generation or only claimed, or lack half-hours of a month with calls; else
--   first complete day, latest start (epoch ms), for each segment one text of its calls and ms in turn, or in MessagePack the
--   chunks of half-hours (lua/add-detail.lua), empty where there is none; then applied field, offset, …; `b` and `base` while
--   the user is being filled; `k` and 1 if a correction is counted
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', 'f', 'x', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[5]) then
  return {}
end

-- Days at or after since are complete.
local from = math.max(tonumber(head[3]), math.ceil(tonumber(head[5] or '0') / 86400000))
local reply = { string.format('%.0f', from), head[4] }
for at = 2, #ARGV, 4 do
  local first, last, month = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), KEYS[tonumber(ARGV[at + 3])]
  local fields = {}
  if month then
    for chunk = first, last do fields[#fields + 1] = chunk end
  elseif first == 0 then
    fields = { 'c', 'd' }
  else
    for number = first, last do
      fields[#fields + 1] = number .. 'c'
      fields[#fields + 1] = number .. 'd'
    end
  end
  local key = KEYS[tonumber(ARGV[at])]
  local values, found = redis.call('HMGET', key, unpack(fields)), false
  for i = 1, #fields do
    found = found or values[i]
    values[i] = values[i] or (month and '' or '0')
  end
  -- By the clock of whoever counted, they were too old to be kept.
  if month and not found and redis.call('EXISTS', key) == 0 and (redis.call('HGET', month, 'c') or '0') ~= '0' then
    return {}
  end
  -- One text, because each field of a reply costs as much as the rest of it.
  reply[#reply + 1] = month and cmsgpack.pack(values) or table.concat(values, ' ')
end

local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' or all[i] == 'b' or all[i] == 'k' then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
  end
end
return reply
