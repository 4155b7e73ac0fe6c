-- Begins a generation where there is none, and tells the one that is there. Partitions that it does not know yet are
-- added with the mark -1, so that as-of waits for those that nobody has counted yet.
-- KEYS[1] ledger (hash): id, retention_months, mark:<stream>:<partition>, asof:<stream>:<partition>
-- ARGV[1] id of a new generation   ARGV[2] months that buckets are kept
-- ARGV[3] id of the generation to be replaced, '' for none
-- ARGV[4…] mark field, offset, … for every partition
-- Reply: the hash as it stands afterwards (flat list)
local id = redis.call('HGET', KEYS[1], 'id')
if not id or id == ARGV[3] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'retention_months', ARGV[2])
  for i = 4, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
else
  for i = 4, #ARGV, 2 do
    redis.call('HSETNX', KEYS[1], ARGV[i], -1)
  end
end
return redis.call('HGETALL', KEYS[1])
