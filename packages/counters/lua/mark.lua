-- Notes how far a partition is counted, and as of when; only in the generation that the consumer began with.
-- KEYS[1] ledger (hash)
-- ARGV[1] generation   ARGV[2] mark field   ARGV[3] offset counted through
-- ARGV[4] as-of field  ARGV[5] epoch ms, or '' to leave it
-- Reply: 1, or 0 when another generation (or none) is there
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
end
return 1
