-- Take the shard: a fence above every earlier one, also above those a FLUSHALL has wiped out,
-- since it is at least the server's clock in microseconds.
-- KEYS: {p}:meta, {p}:out. ARGV: run marker, candidate epoch, now ms of the engine, out length.
-- Returns [fence, epoch, writes].
local old, writes = unpack(redis.call('HMGET', KEYS[1], 'fence', 'writes'))
local now = redis.call('TIME')
local clock = now[1] * 1000000 + now[2]
local fence = string.format('%.0f', math.max((tonumber(old) or 0) + 1, clock))
local made = redis.call('HSETNX', KEYS[1], 'epoch', ARGV[2])
local epoch = redis.call('HGET', KEYS[1], 'epoch')
redis.call('HSET', KEYS[1], 'fence', fence, 'marker', ARGV[1])
if made == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'c', '', 'k', 'epoch', 'e', epoch,
    's', 0, 'd', '', 't', ARGV[3])
end
return {fence, epoch, tonumber(writes) or 0}
