-- Opens a claimed user's counters: from now on events beyond `base` are added, and what lies at or below it is filled in
-- later. Deletes whatever is left from before the user was forgotten.
-- KEYS[1] user (hash)   KEYS[2…] every bucket key that the user may have
-- ARGV[1] generation   ARGV[2] claim   ARGV[3] fill id   ARGV[4] base, as read after the claim
-- ARGV[5] since (epoch ms) beyond every call   ARGV[6] first UTC day that is kept   ARGV[7] now (epoch ms)
-- ARGV[8] expiry (epoch s) of the hash
-- Reply: 1; 0 when the claim no longer stands
local head = redis.call('HMGET', KEYS[1], 'g', 'c')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then
  return 0
end
redis.call('DEL', unpack(KEYS))
redis.call('HSET', KEYS[1], 'g', ARGV[1], 'i', ARGV[3], 'b', ARGV[4], 's', ARGV[5], 'f', ARGV[6], 'x', '-1', 'n', ARGV[7])
redis.call('EXPIREAT', KEYS[1], ARGV[8])
return 1
