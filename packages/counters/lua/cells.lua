-- Tells all sums by cell of some months of a user, at one moment. Adds nothing up and writes nothing.
-- KEYS[1] user (hash)   KEYS[2…] cells of months, and their days (lua/add-detail.lua)
-- ARGV[1] generation   ARGV[2…] for each hash behind the user: lowest and highest of its fields that are asked for, which then
--   are all numbers; or empty for all
-- Reply: {} when the counters are absent, of another generation or only claimed; else
--   first complete day, latest start (epoch ms); applied field, offset, …, `b` and `base` while the user is being filled, `k`
--   and 1 if a correction is counted; then what was asked for of each hash (flat list) in MessagePack, as one text, since each
--   field of a reply costs as much as the rest of it; false if there is no such hash
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'w', 'f', 'x', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[5]) then
  return {}
end
-- Days at or after since are complete.
local from = math.max(tonumber(head[3]), math.ceil(tonumber(head[5] or '0') / 86400000))
local counted = {}
local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' or all[i] == 'b' or all[i] == 'k' then
    counted[#counted + 1] = all[i]
    counted[#counted + 1] = all[i + 1]
  end
end

-- The fields of a flat list from `low` through `high`.
local function between(hash, low, high)
  if not low then return hash end
  local asked = {}
  for at = 1, #hash, 2 do
    local field = tonumber(hash[at])
    if low <= field and field <= high then
      asked[#asked + 1] = hash[at]
      asked[#asked + 1] = hash[at + 1]
    end
  end
  return asked
end

local reply = { { string.format('%.0f', from), head[4] }, counted }
for i = 2, #KEYS do
  local hash = redis.call('HGETALL', KEYS[i])
  local low, high = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  reply[i + 1] = #hash > 0 and cmsgpack.pack(between(hash, low, high))
end
return reply
