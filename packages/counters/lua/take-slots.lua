-- Notes the slots that a master holds now, unless another process has noted others since they were read. The new tenure
-- makes the checkpoints of those refused who do not know of it: they may have left out users of the slots that came.
-- KEYS[1] ledger (hash)
-- ARGV[1] generation   ARGV[2] the present tenure, '' for none   ARGV[3] a new tenure   ARGV[4] the slots
-- ARGV[5] `left` as it was read; checkpoints may have appended slots since   ARGV[6] what it shall be instead
-- Reply: 1; 0 when another generation or tenure is there
local head = redis.call('HMGET', KEYS[1], 'id', 'tenure', 'left')
local left = head[3] or ''
if head[1] ~= ARGV[1] or (head[2] or '') ~= ARGV[2] or left:sub(1, #ARGV[5]) ~= ARGV[5] then
  return 0
end
redis.call('HSET', KEYS[1], 'tenure', ARGV[3], 'slots', ARGV[4], 'left', ARGV[6] .. left:sub(#ARGV[5] + 1))
return 1
