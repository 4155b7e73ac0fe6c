-- Tells how far a user's counters are filled.
-- KEYS[1] user (hash)   ARGV[1] generation
-- Reply: {} when the counters are absent, of another generation or only claimed; {'complete'}; else fill id, since
--   (epoch ms), base, first UTC day that is kept, time of opening (epoch ms)
local head = redis.call('HMGET', KEYS[1], 'g', 'w', 'i', 's', 'b', 'f', 'n')
if head[1] ~= ARGV[1] then
  return {}
end
if head[2] == '1' then
  return { 'complete' }
end
if not head[4] then
  return {}
end
return { head[3], head[4], head[5], head[6], head[7] }
