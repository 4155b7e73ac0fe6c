-- Adds the sums of a piece, the rows at or below `base` that start in [new since, since), and moves since back.
-- KEYS[1] user (hash)   KEYS[2…] buckets, and what there is of detail, which are named by index
-- ARGV[1] generation   ARGV[2] fill id   ARGV[3] since (epoch ms) as it was when the rows were summed
-- ARGV[4] new since, or '' when no row is older: then the counters are complete
-- ARGV[5] latest start (epoch ms) among the rows; -1 without a row
-- ARGV[6] 1 if there is a correction at or below `base`
-- ARGV[7] n, then n times applied field, offset in `base`: the partitions that the rows came by
-- ARGV[…] how many buckets; for each its key's index, expiry, n, then n times field, value to be added
-- ARGV[…] the same by half-hour and by cell: see `add_detail_from`
-- Reply: 1; 0 when the user was forgotten or reopened, or somebody else has filled this piece
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'i', 's', 'x')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] or head[3] ~= ARGV[3] then
  return 0
end
local at = 8
for _ = 1, tonumber(ARGV[7]) do
  -- Not where it has moved on, because events were applied.
  redis.call('HSETNX', user, ARGV[at], ARGV[at + 1])
  at = at + 2
end
local buckets = tonumber(ARGV[at])
at = at + 1
for _ = 1, buckets do
  local key, expiry, count = KEYS[tonumber(ARGV[at])], ARGV[at + 1], tonumber(ARGV[at + 2])
  local names, values = {}, {}
  for i = 1, count do names[i] = ARGV[at + 1 + 2 * i] end
  -- `unpack` takes them, since a bucket has at most 106 fields.
  for i, before in ipairs(redis.call('HMGET', key, unpack(names))) do
    values[2 * i - 1] = names[i]
    -- Lua's own conversion to text loses digits.
    values[2 * i] = string.format('%.0f', tonumber(before or '0') + tonumber(ARGV[at + 2 + 2 * i]))
  end
  redis.call('HSET', key, unpack(values))
  redis.call('EXPIREAT', key, expiry)
  at = at + 3 + 2 * count
end
add_detail_from(at, -math.huge)
if tonumber(ARGV[5]) > tonumber(head[4]) then
  redis.call('HSET', user, 'x', ARGV[5])
end
if ARGV[6] == '1' then
  redis.call('HSET', user, 'k', '1')
end
if ARGV[4] == '' then
  redis.call('HDEL', user, 'i', 'b', 's')
  redis.call('HSET', user, 'w', '1')
  -- `b` may have been too long for a listpack, and Redis never converts back. Rewritten, the hash needs a third of the memory.
  local all, left = redis.call('HGETALL', user), redis.call('PTTL', user)
  redis.call('DEL', user)
  redis.call('HSET', user, unpack(all))
  if left > 0 then
    redis.call('PEXPIRE', user, left)
  end
else
  redis.call('HSET', user, 's', ARGV[4])
end
return 1
