-- Puts a lease on a user's counters, so that a recount can tell whether it is still the latest.
-- KEYS[1] user (hash)
-- ARGV[1] generation   ARGV[2] lease   ARGV[3] '1': also where the counters are complete
-- ARGV[4] a lease begun before this (epoch ms) may be taken over   ARGV[5] expiry (epoch s) of the hash
-- Reply: 'leased'; 'warm' when the counters are complete and were not asked for; 'busy' when another holds the lease
local head = redis.call('HMGET', KEYS[1], 'g', 'w', 'l')
if head[1] == ARGV[1] then
  if head[2] == '1' and ARGV[3] ~= '1' then
    return 'warm'
  end
  if head[3] and tonumber(string.match(head[3], '^%d+')) >= tonumber(ARGV[4]) then
    return 'busy'
  end
else
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'g', ARGV[1])
  redis.call('EXPIREAT', KEYS[1], ARGV[5])
end
redis.call('HSET', KEYS[1], 'l', ARGV[2])
return 'leased'
