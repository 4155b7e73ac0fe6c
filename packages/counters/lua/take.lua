-- Takes users that wait to be filled: some that have nothing yet, first come first served, and of those that have a
-- part those whose next piece is the newest. Who is taken is not given to another for a while; then, if the taker
-- has not said what became of it, the user waits again.
-- KEYS[1] queue (sorted set): user ids by -1e14 + epoch ms of their opening, by -since once a piece is filled, by
--   1e14 + epoch ms of the end of that while once taken
-- ARGV[1] now (epoch ms)   ARGV[2] most users with nothing   ARGV[3] most with a part   ARGV[4] until when they count as
--   taken (epoch ms)
-- Reply: user ids
local function from(low, high, most)
  return most > 0 and redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'LIMIT', 0, most) or {}
end
local most = tonumber(ARGV[2])
local late = from('1e14', string.format('%.0f', 1e14 + tonumber(ARGV[1])), most)
local new = from('-inf', '(-5e13', most - #late)
local part = from('-5e13', '(1e14', tonumber(ARGV[3]))
local taken = {}
for _, users in ipairs({ late, new, part }) do
  for _, user in ipairs(users) do
    taken[#taken + 1] = user
    redis.call('ZADD', KEYS[1], string.format('%.0f', 1e14 + tonumber(ARGV[4])), user)
  end
end
return taken
