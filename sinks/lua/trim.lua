-- Trim the log to `minid` (exclusive) and tell producers what is durable.
-- KEYS: {p}:in, {p}:meta. ARGV: durable id, minid, fence (0: unchecked).
-- Returns [entries removed, bytes still un-durable]; removed -1: an engine with a newer claim owns the shard.
local fence = tonumber(redis.call('HGET', KEYS[2], 'fence')) or 0
if tonumber(ARGV[3]) > 0 and fence > tonumber(ARGV[3]) then
  return {-1, 0}
end
-- The first entry after the durable one knows how many bytes were appended before it.
local after = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', 1)
local un = 0
if #after > 0 then
  local fields, before = after[1][2], nil
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then before = tonumber(fields[i + 1]) end
  end
  local total = tonumber(redis.call('HGET', KEYS[2], 'bytes')) or 0
  un = math.max(0, total - (before or total))
end
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2])
redis.call('HSET', KEYS[2], 'durable', ARGV[1], 'bytes_un', string.format('%.0f', un))
return {removed, un}
