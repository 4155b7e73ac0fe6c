-- Tells the window sums of many users.
-- KEYS[1…] users (hashes)
-- ARGV[1] generation
-- Reply: for each user the window sums and the latest start (epoch ms), as one text of nine numbers; '' when there are
--   none, or the counters are absent or of another generation. Only users whose default window is complete have
--   window sums.
local replies = {}
for i, user in ipairs(KEYS) do
  local head = redis.call('HMGET', user, 'g', 'r', 'x')
  replies[i] = head[1] == ARGV[1] and head[2] and head[2] .. ' ' .. head[3] or ''
end
return replies
