-- Begin a new epoch of the output: every screen takes a new snapshot.
-- KEYS: {p}:meta, {p}:out. ARGV: our fence, new marker, new epoch, as_of ms, out length.
-- Not behind the prelude: the guards it checks may be the ones that were lost.
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence')) or 0
if fence > tonumber(ARGV[1]) then
  return {-1, 0}
end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'marker', ARGV[2], 'epoch', ARGV[3])
local writes = redis.call('HINCRBY', KEYS[1], 'writes', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'c', '', 'k', 'epoch', 'e', ARGV[3],
  's', 0, 'd', '', 't', ARGV[4])
return {1, writes}
