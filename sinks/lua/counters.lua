-- Write absolute totals, and the watermark. KEYS: {p}:meta, {p}:counters.
-- ARGV from 3: version, stamp, watermark ms ("" none), then name and value of each total.
local version = guard_of(ARGV[3], ARGV[4])
local guard = redis.call('HGET', KEYS[2], '_v')
if guard and guard >= version then
  return {0, writes}
end
writes = count_write()
redis.call('HSET', KEYS[2], '_v', version, unpack(ARGV, 6))
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'wm', ARGV[5])
end
return {1, writes}
