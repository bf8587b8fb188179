-- Write changed fields of one state channel, at most 500 a call, and tell the gateways.
-- KEYS: {p}:meta, {p}:<channel>, {p}:out, {p}:channels.
-- ARGV from 3: channel, version, part from 1, parts, "1" to replace the whole hash, as_of ms,
-- directory entry, out length, sealed ttl ms, patch JSON, number of pairs, stamp, pairs, deleted fields.
local channel, part, parts = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local version = guard_of(ARGV[4], ARGV[14])
local guard, open = unpack(redis.call('HMGET', KEYS[2], '_v', '_p'))
local replace = ARGV[7] == '1'
if guard and guard >= version and not replace then
  return {0, writes}
end
-- Only the last part moves the guard: with a part missing, all must come again.
if part > 1 and open ~= version .. '#' .. (part - 1) then
  return {-3, writes}
end
writes = count_write()
local ttl = redis.call('PTTL', KEYS[2])
local s
if replace and part == 1 then
  s = (tonumber(redis.call('HGET', KEYS[2], '_s')) or 0) + 1
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], '_s', s)
else
  s = redis.call('HINCRBY', KEYS[2], '_s', 1)
end
local pairs_end = 14 + 2 * tonumber(ARGV[13])
local field, value = '_v', version
if part < parts then
  field, value = '_p', version .. '#' .. part
elseif parts > 1 then
  redis.call('HDEL', KEYS[2], '_p')
end
redis.call('HSET', KEYS[2], field, value, unpack(ARGV, 15, pairs_end))
if #ARGV > pairs_end then
  redis.call('HDEL', KEYS[2], unpack(ARGV, pairs_end + 1))
end
-- A sealed channel that is written again lives for another while; DEL has dropped its expiry.
if ttl > 0 then
  redis.call('PEXPIRE', KEYS[2], ARGV[11])
end
if s == 1 then
  redis.call('HSET', KEYS[4], channel, ARGV[9])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[10], '*', 'c', channel, 'k', 'state', 'e', epoch,
  's', s, 'd', ARGV[12], 't', ARGV[8])
return {1, writes, s}
