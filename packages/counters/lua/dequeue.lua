-- Removes complete users from the queue, unless they were queued again meanwhile: they were reopened and are no longer
-- complete.
-- KEYS[1] queue (sorted set, see reserve.lua)   ARGV[1…] user id, the score they had when their last piece began, …
for i = 1, #ARGV, 2 do
  local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or '0')
  if score >= 1e14 or score == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return 0
