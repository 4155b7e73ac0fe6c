-- Removes a generation that no master uses any more, with its queue.
-- KEYS[1] ledger (hash)   KEYS[2] queue of users to be filled
-- ARGV[1] id of the generation
-- Reply: 1; 0 when something else is there
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[2])
return 1
