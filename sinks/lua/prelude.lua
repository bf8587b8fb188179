-- Shared by all scripts of the sink: the claim is checked before anything is read or written.
-- KEYS[1]: {p}:meta. ARGV[1]: our fence, ARGV[2]: our run marker; the script's own follow.
-- A script returns [code, writes, ...]: code 1 done, 0 refused as old, -1 fenced, -2 the guards
-- are lost (FLUSHALL, fail-over), -3 a part before this one is missing.
local fence, marker, epoch, writes = unpack(redis.call('HMGET', KEYS[1], 'fence', 'marker', 'epoch', 'writes'))
writes = tonumber(writes) or 0
if (tonumber(fence) or 0) > tonumber(ARGV[1]) then
  return {-1, writes}
end
if fence ~= ARGV[1] or marker ~= ARGV[2] or not epoch then
  return {-2, writes}
end
-- What a hash reflects: log position, then claim, then the claim's own count of writes. All are of
-- fixed width, so that text order is the order of writing. The same write sent again is equal and
-- refused; another one at the same position, or after a restart, is not.
local function guard_of(position, stamp)
  return string.format('%s/%016.0f/%012.0f', position, tonumber(ARGV[1]), tonumber(stamp))
end
local function count_write()
  return redis.call('HINCRBY', KEYS[1], 'writes', 1)
end
