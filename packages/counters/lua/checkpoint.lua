-- Notes how far partitions are counted, and as of when, if generation and slots are still the caller's. A checkpoint never
-- goes back: if a slow consumer lowered it, it could no longer tell that Mongo has fewer events than were counted.
-- KEYS[1] ledger (hash)
-- ARGV[1] generation   ARGV[2] tenure, '' of a single node
-- ARGV[3] slots that have left the master: their users may be missing from what is counted
-- ARGV[4…] for each partition its checkpoint field, the offset counted through and as-of (epoch ms), '' to leave either
-- Reply: 1; 0 when another generation or tenure, or none, is there
local head = redis.call('HMGET', KEYS[1], 'id', 'tenure', 'left')
if head[1] ~= ARGV[1] or (head[2] or '') ~= ARGV[2] then
  return 0
end
if ARGV[3] ~= '' then
  local left = head[3] or ''
  for slots in ARGV[3]:gmatch('%S+') do
    if not (left .. ' '):find(' ' .. slots .. ' ', 1, true) then
      left = left .. ' ' .. slots
    end
  end
  if left ~= head[3] then
    redis.call('HSET', KEYS[1], 'left', left)
  end
end
local changes = {}
for at = 4, #ARGV, 3 do
  local field, through, asof = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if through ~= '' and tonumber(through) > tonumber(redis.call('HGET', KEYS[1], field) or '-1') then
    changes[#changes + 1] = field
    changes[#changes + 1] = through
  end
  if asof ~= '' then
    changes[#changes + 1] = 'asof' .. field:sub(5)
    changes[#changes + 1] = asof
  end
end
if #changes > 0 then
  redis.call('HSET', KEYS[1], unpack(changes))
end
return 1
