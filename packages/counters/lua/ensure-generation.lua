-- Begins a generation if there is none, and replies with the present one. Adds partitions that it does not know yet with checkpoint -1, so that as-of waits until they are counted. If every
-- partition has an as-of, an added one gets the lowest of them: it did not exist then, so that as-of is true of it, too.
-- KEYS[1] ledger (hash): id, nodes, tenure, slots, left, retention_months, cells_max, asof, mark:<partition id>, asof:<partition id>
-- ARGV[1] id of a new generation   ARGV[2] months that buckets are kept   ARGV[3] cells a user and month, 0 for none
-- ARGV[4] id of the generation to be replaced, '' for none   ARGV[5] ids of the master and its replicas, '' of a single node
-- ARGV[6] its slots      ARGV[7] a new tenure
-- ARGV[8…] checkpoint field, offset, … for every partition of one topic epoch
-- Reply: the hash afterwards (flat list)
local id = redis.call('HGET', KEYS[1], 'id')
if not id or id == ARGV[4] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'retention_months', ARGV[2], 'cells_max', ARGV[3])
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[1], 'nodes', ARGV[5], 'slots', ARGV[6], 'tenure', ARGV[7], 'left', '')
  end
  for i = 8, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
  return redis.call('HGETALL', KEYS[1])
end
if ARGV[5] ~= '' and redis.call('HGET', KEYS[1], 'nodes') ~= ARGV[5] then
  redis.call('HSET', KEYS[1], 'nodes', ARGV[5])
end
local added = {}
local lowest = nil
local all_known = true
for i = 8, #ARGV, 2 do
  if not redis.call('HGET', KEYS[1], ARGV[i]) then
    added[#added + 1] = ARGV[i]
  else
    local asof = tonumber(redis.call('HGET', KEYS[1], 'asof' .. ARGV[i]:sub(5)))
    all_known = all_known and asof ~= nil
    if asof and (not lowest or asof < lowest) then
      lowest = asof
    end
  end
end
for _, checkpoint in ipairs(added) do
  redis.call('HSET', KEYS[1], checkpoint, -1)
  if all_known and lowest then
    redis.call('HSET', KEYS[1], 'asof' .. checkpoint:sub(5), string.format('%.0f', lowest))
  end
end
if #added > 0 and not (all_known and lowest) then
  redis.call('HDEL', KEYS[1], 'asof')
end
return redis.call('HGETALL', KEYS[1])
