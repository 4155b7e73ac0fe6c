-- Notes the slots that a master holds now, unless another process has noted others since they were read. The new tenure
-- makes the checkpoints of those refused who do not know of it: they may have left out users of the slots that came.
-- KEYS[1] ledger (hash)
-- ARGV[1] generation   ARGV[2] the present tenure, '' for none   ARGV[3] a new tenure
-- ARGV[4] the slots   ARGV[5] slots that have left the master during this generation
-- Reply: 1; 0 when another generation or tenure is there
local head = redis.call('HMGET', KEYS[1], 'id', 'tenure')
if head[1] ~= ARGV[1] or (head[2] or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'tenure', ARGV[3], 'slots', ARGV[4], 'left', ARGV[5])
return 1
