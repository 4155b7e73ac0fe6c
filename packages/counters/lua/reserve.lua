-- Reserves users that wait to be filled: some that have nothing yet, first come first served, and some that have a part,
-- those with the newest next piece first. A reserved user is kept from others for a while. If whoever reserved them does
-- not return or remove them in that time, they wait again.
-- KEYS[1] queue (sorted set): user ids by -1e14 + time of opening, by -since once a piece is filled, by 1e14 + end of
--   the reservation once reserved (epoch ms)
-- ARGV[1] now (epoch ms)   ARGV[2] most users with nothing   ARGV[3] most with a part   ARGV[4] end of the reservation
--   (epoch ms)
-- Reply: user ids
local function some(low, high, most)
  return most > 0 and redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'LIMIT', 0, most) or {}
end
local most = tonumber(ARGV[2])
local overdue = some('1e14', string.format('%.0f', 1e14 + tonumber(ARGV[1])), most)
local new = some('-inf', '(-5e13', most - #overdue)
local part = some('-5e13', '(1e14', tonumber(ARGV[3]))
local reserved = {}
for _, users in ipairs({ overdue, new, part }) do
  for _, user in ipairs(users) do
    reserved[#reserved + 1] = user
    redis.call('ZADD', KEYS[1], string.format('%.0f', 1e14 + tonumber(ARGV[4])), user)
  end
end
return reserved
