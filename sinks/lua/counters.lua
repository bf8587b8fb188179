-- Write absolute totals, and the watermark. KEYS: {p}:meta, {p}:counters.
-- ARGV from 3: version, watermark ms ("" none), then name and value of each total.
local guard = redis.call('HGET', KEYS[2], '_v')
if guard and guard >= ARGV[3] then
  return {0, writes}
end
writes = count_write()
redis.call('HSET', KEYS[2], '_v', ARGV[3], unpack(ARGV, 5))
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'wm', ARGV[4])
end
return {1, writes}
