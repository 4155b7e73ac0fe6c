-- Puts a generation that lies elsewhere in its master's place, unless that has changed since it was read. Its checkpoints
-- may have been read some time ago: they are lower than they could be, which is true, too.
-- KEYS[1] ledger (hash)
-- ARGV[1] id of the generation that is expected there, '' for none   ARGV[2…] fields and values
-- Reply: 1; 0 when something else is there
if (redis.call('HGET', KEYS[1], 'id') or '') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return 1
