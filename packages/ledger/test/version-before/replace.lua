-- Installs a recount: all of a user's counters at once, and through which offsets they count.
-- KEYS[1] user (hash)   KEYS[2…] every bucket key that the user may have
-- ARGV[1] generation  ARGV[2] lease  ARGV[3] first complete UTC day  ARGV[4] latest start (epoch ms)
-- ARGV[5] expiry (epoch s) of the hash
-- ARGV[6] n, then n times applied field, offset: `stored` of every partition, as it was before the rows were added up
-- ARGV[…] m, then m times applied field, offset: the partitions that the user's rows came from
-- ARGV[…] for each key that is to be written: its index, expiry, n, then n times field, value
-- Reply: 'installed'; 'lost' when the lease is no longer there; 'generation' when another one's counters are;
--   'behind' when events beyond `stored` have been applied meanwhile
local user = KEYS[1]
local head = redis.call('HMGET', user, 'g', 'l')
if head[1] and head[1] ~= ARGV[1] then
  return 'generation'
end
if head[2] ~= ARGV[2] then
  return 'lost'
end
local at = 7
local stored = {}
for _ = 1, tonumber(ARGV[6]) do
  stored[ARGV[at]] = tonumber(ARGV[at + 1])
  at = at + 2
end
local all = redis.call('HGETALL', user)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'a:' and tonumber(all[i + 1]) > (stored[all[i]] or -1) then
    return 'behind'
  end
end
redis.call('DEL', unpack(KEYS))
-- `n` tells one recount from another, where all else that the hash says is the same (version.lua).
redis.call('HSET', user, 'g', ARGV[1], 'w', '1', 'f', ARGV[3], 'x', ARGV[4], 'n', string.match(ARGV[2], '^%d+'))
local partitions = tonumber(ARGV[at])
at = at + 1
for _ = 1, partitions do
  redis.call('HSET', user, ARGV[at], ARGV[at + 1])
  at = at + 2
end
redis.call('EXPIREAT', user, ARGV[5])
while at <= #ARGV do
  local key, last = KEYS[tonumber(ARGV[at])], at + 2 + 2 * tonumber(ARGV[at + 2])
  -- At most 212 of them: a bucket key has a bounded number of fields.
  redis.call('HSET', key, unpack(ARGV, at + 3, last))
  redis.call('EXPIREAT', key, ARGV[at + 1])
  at = last + 1
end
return 'installed'
