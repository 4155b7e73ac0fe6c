-- Begins a generation where there is none, and tells the one that is there. Partitions that it does not know yet are
-- added with the checkpoint -1, so that as-of waits for those that nobody has counted yet. They were not there at the as-of
-- of the others, so that holds for them, too: as-of stands still until they are counted.
-- KEYS[1] ledger (hash): id, retention_months, mark:<stream>:<partition>, asof:<stream>:<partition>
-- ARGV[1] id of a new generation   ARGV[2] months that buckets are kept
-- ARGV[3] id of the generation to be replaced, '' for none
-- ARGV[4…] checkpoint field, offset, … for every partition of one stream
-- Reply: the hash as it stands afterwards (flat list)
local id = redis.call('HGET', KEYS[1], 'id')
if not id or id == ARGV[3] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'retention_months', ARGV[2])
  for i = 4, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
  return redis.call('HGETALL', KEYS[1])
end
local added = {}
local asof = nil
local all_said = true
for i = 4, #ARGV, 2 do
  if not redis.call('HGET', KEYS[1], ARGV[i]) then
    added[#added + 1] = ARGV[i]
  else
    local said = tonumber(redis.call('HGET', KEYS[1], 'asof' .. ARGV[i]:sub(5)))
    all_said = all_said and said ~= nil
    if said and (not asof or said < asof) then
      asof = said
    end
  end
end
for _, mark in ipairs(added) do
  redis.call('HSET', KEYS[1], mark, -1)
  if all_said and asof then
    redis.call('HSET', KEYS[1], 'asof' .. mark:sub(5), string.format('%.0f', asof))
  end
end
return redis.call('HGETALL', KEYS[1])
