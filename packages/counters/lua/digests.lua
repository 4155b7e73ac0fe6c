-- Tells digests of many users' counters.
-- KEYS[1…] users (hashes)
-- ARGV[1] generation
-- Reply: for each user the latest start (epoch ms) and a digest of the whole hash, which changes when anything is
--   counted or filled, the user is reopened or the window sums are stored; '' when the counters are absent, of another
--   generation or only claimed
local replies = {}
for i, user in ipairs(KEYS) do
  local head = redis.call('HMGET', user, 'g', 'w', 'x', 's')
  replies[i] = ''
  if head[1] == ARGV[1] and (head[2] == '1' or head[4]) then
    local all, fields = redis.call('HGETALL', user), {}
    for at = 1, #all, 2 do
      fields[#fields + 1] = all[at] .. '=' .. all[at + 1]
    end
    replies[i] = head[3] .. ' ' .. redis.sha1hex(table.concat(fields, ' '))
  end
end
return replies
