-- Takes users off the queue who are complete, unless they were queued again since: opened anew, they are not.
-- KEYS[1] queue (sorted set, see take.lua)   ARGV[1…] user id, the place they had when their last piece was begun, …
for i = 1, #ARGV, 2 do
  local place = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or '0')
  if place >= 1e14 or place == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return 0
