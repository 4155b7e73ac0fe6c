-- Notes as-of of a master, the lowest of all partitions of the newest topic epoch, so that readers need not read each of
-- them. Whoever asks, it says no more than the partitions do.
-- KEYS[1] ledger (hash)
-- Reply: as-of (epoch ms); '' while a partition has none
local all = redis.call('HGETALL', KEYS[1])
local partitions, times, newest = {}, {}, -1
for i = 1, #all, 2 do
  local kind, partition = all[i]:sub(1, 5), all[i]:sub(6)
  if kind == 'asof:' then
    times[partition] = tonumber(all[i + 1])
  elseif kind == 'mark:' then
    local topic_epoch = tonumber(partition:match('^%d+'))
    if topic_epoch > newest then
      partitions, newest = {}, topic_epoch
    end
    if topic_epoch == newest then
      partitions[#partitions + 1] = partition
    end
  end
end
local lowest = nil
for _, partition in ipairs(partitions) do
  local time = times[partition]
  if not time then
    redis.call('HDEL', KEYS[1], 'asof')
    return ''
  end
  lowest = math.min(lowest or time, time)
end
if not lowest then
  return ''
end
lowest = string.format('%.0f', lowest)
redis.call('HSET', KEYS[1], 'asof', lowest)
return lowest
