-- Keep dead letters. Each has its number among the shard's dead letters, so that a repeat is
-- noticed however the log was cut into batches. Number 0: unknown, kept without that check.
-- KEYS: {p}:meta, {p}:dead. ARGV from 3: length, then number, version, reason, raw, detail of each.
local last = tonumber(redis.call('HGET', KEYS[1], 'dead')) or 0
local kept, highest = 0, last
for i = 4, #ARGV, 5 do
  local number = tonumber(ARGV[i])
  if number > last or number == 0 then
    if kept == 0 then writes = count_write() end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'v', ARGV[i + 1],
      'reason', ARGV[i + 2], 'raw', ARGV[i + 3], 'detail', ARGV[i + 4])
    kept, highest = kept + 1, math.max(highest, number)
  end
end
if kept == 0 then
  return {0, writes}
end
redis.call('HSET', KEYS[1], 'dead', string.format('%.0f', highest))
return {1, writes, kept}
