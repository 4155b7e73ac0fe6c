-- Tells all that Redis holds of a user, at one moment.
-- KEYS[1] user (hash)   KEYS[2…] every bucket key that the user may have
-- ARGV[1] generation
-- Reply: {} when the counters are absent, of another generation or only claimed; else the user's hash (flat list), then
--   for each bucket that exists its index and its hash (flat list)
local head = redis.call('HMGET', KEYS[1], 'g', 'w', 's')
if head[1] ~= ARGV[1] or not (head[2] == '1' or head[3]) then
  return {}
end
local reply = { redis.call('HGETALL', KEYS[1]) }
for i = 2, #KEYS do
  local bucket = redis.call('HGETALL', KEYS[i])
  if #bucket > 0 then
    reply[#reply + 1] = i
    reply[#reply + 1] = bucket
  end
end
return reply
