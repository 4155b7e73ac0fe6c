-- Tells single days, weeks and months of a user, at one moment. Adds nothing up and writes nothing.
-- KEYS[1] user (hash)   KEYS[2…] month and ISO year buckets
-- ARGV[1] generation
-- ARGV[2…] segments: index of a bucket key, first and last of its days or weeks; first = 0 means a month's own sum
-- Reply: {} when the counters are absent, of another generation or only claimed; else
--   first complete day, latest start (epoch ms), for each segment one text of its calls and ms in turn, then applied
--   field, offset, …; `b` and `base` while the user is being filled; `k` and 1 if a correction is counted
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', 'f', 'x', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[5]) then
  return {}
end

-- Days at or after since are complete.
local from = math.max(tonumber(head[3]), math.ceil(tonumber(head[5] or '0') / 86400000))
local reply = { string.format('%.0f', from), head[4] }
for at = 2, #ARGV, 3 do
  local first, last = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local fields = {}
  if first == 0 then
    fields = { 'c', 'd' }
  else
    for number = first, last do
      fields[#fields + 1] = number .. 'c'
      fields[#fields + 1] = number .. 'd'
    end
  end
  local values = redis.call('HMGET', KEYS[tonumber(ARGV[at])], unpack(fields))
  -- One text, because each field of a reply costs as much as the rest of it.
  for i = 1, #fields do values[i] = values[i] or '0' end
  reply[#reply + 1] = table.concat(values, ' ')
end

local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' or all[i] == 'b' or all[i] == 'k' then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
  end
end
return reply
