-- Claims a user whom the counters do not know, so that `open` can tell whether the user was forgotten meanwhile. A
-- standing claim is shared, because two openers could replace each other's claims for ever.
-- KEYS[1] user (hash)
-- ARGV[1] generation   ARGV[2] a new claim   ARGV[3] expiry (epoch s) of the hash
-- Reply: 'complete' or 'filling' when the counters know the user; else the standing claim
local head = redis.call('HMGET', KEYS[1], 'g', 'w', 's', 'c')
if head[1] == ARGV[1] then
  if head[2] == '1' then
    return 'complete'
  end
  if head[3] then
    return 'filling'
  end
  if head[4] then
    return head[4]
  end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'g', ARGV[1], 'c', ARGV[2])
redis.call('EXPIREAT', KEYS[1], ARGV[3])
return ARGV[2]
