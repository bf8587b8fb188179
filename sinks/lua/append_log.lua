-- Append entries to one log channel under explicit ids: Redis itself refuses repeats.
-- KEYS: {p}:meta, {p}:log:<channel>, {p}:out, {p}:channels, {p}:logseq.
-- ARGV from 3: channel, as_of ms, directory entry, out length, log length, id that must stand in
-- the log already ("" none), then id and JSON of each entry, in order.
-- Returns [code, writes, sequence after, appended].
local channel, needed = ARGV[3], ARGV[8]
if needed ~= '' then
  -- The call before this one failed: its entries would be refused for ever behind ours.
  if #redis.call('XRANGE', KEYS[2], needed, '+', 'COUNT', 1) == 0 then
    return {-3, writes}
  end
end
local s = tonumber(redis.call('HGET', KEYS[5], channel)) or 0
local appended = 0
for i = 9, #ARGV, 2 do
  local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], ARGV[i],
    's', s + 1, 'd', ARGV[i + 1])
  if type(added) == 'table' then
    -- Only "equal or smaller than the target stream top item" is a repeat; anything else, such
    -- as memory full, is a failure that must be tried again.
    if not string.find(added.err, 'equal or smaller', 1, true) then
      return added
    end
  else
    s, appended = s + 1, appended + 1
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'c', channel, 'k', 'log',
      'e', epoch, 's', s, 'd', ARGV[i + 1], 't', ARGV[4])
  end
end
if appended > 0 then
  redis.call('HSET', KEYS[5], channel, s)
  redis.call('HSETNX', KEYS[4], channel, ARGV[5])
  writes = count_write()
  return {1, writes, s, appended}
end
return {0, writes, s, 0}
