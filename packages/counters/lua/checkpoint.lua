-- Notes how far a partition is counted, and as of when, if generation and slots are still the caller's. A checkpoint never goes
-- back: if a slow consumer lowered it, it could no longer tell that Mongo has fewer events than were counted.
-- KEYS[1] ledger (hash)
-- ARGV[1] generation   ARGV[2] checkpoint field   ARGV[3] offset counted through
-- ARGV[4] as-of field  ARGV[5] epoch ms, or '' to leave it   ARGV[6] tenure, '' of a single node
-- ARGV[7] slots that have left the master: their users may be missing from what is counted
-- Reply: 1; 0 when another generation or tenure, or none, is there
local head = redis.call('HMGET', KEYS[1], 'id', ARGV[2], 'tenure', 'left')
if head[1] ~= ARGV[1] or (head[3] or '') ~= ARGV[6] then
  return 0
end
if ARGV[7] ~= '' then
  local left = head[4] or ''
  for slots in ARGV[7]:gmatch('%S+') do
    if not (left .. ' '):find(' ' .. slots .. ' ', 1, true) then
      left = left .. ' ' .. slots
    end
  end
  if left ~= head[4] then
    redis.call('HSET', KEYS[1], 'left', left)
  end
end
if tonumber(ARGV[3]) > tonumber(head[2] or '-1') then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
end
return 1
