-- Let the channels of a sealed session expire. KEYS: {p}:meta, {p}:channels, then the channels'.
-- ARGV from 3: ttl ms, then name and directory entry of each channel.
for i = 3, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[2 * i - 2], ARGV[2 * i - 1])
end
return {1, count_write()}
