-- Append log entries in order; stop at the first one that back-pressure refuses.
-- KEYS: {p}:in, {p}:meta. ARGV: limit of un-durable bytes, retry ms, producer ("" none), bodies.
-- Returns [refused retry ms or 0, number of the first entry, id, id, ...].
local un, n, total = unpack(redis.call('HMGET', KEYS[2], 'bytes_un', 'n', 'bytes'))
un, n, total = tonumber(un) or 0, tonumber(n) or 0, tonumber(total) or 0
local limit, producer = tonumber(ARGV[1]), ARGV[3]
local reply = {0, n + 1}
for i = 4, #ARGV do
  local size = #ARGV[i]
  -- An entry larger than the limit itself still passes when nothing is pending.
  if un > 0 and un + size > limit then
    reply[1] = tonumber(ARGV[2])
    break
  end
  n = n + 1
  local id
  if producer == '' then
    id = redis.call('XADD', KEYS[1], '*', 'n', n, 'b', ARGV[i], 'o', string.format('%.0f', total))
  else
    id = redis.call('XADD', KEYS[1], '*', 'n', n, 'b', ARGV[i], 'o', string.format('%.0f', total), 'g', producer)
  end
  un, total = un + size, total + size
  reply[#reply + 1] = id
end
if #reply > 2 then
  redis.call('HSET', KEYS[2], 'n', string.format('%.0f', n),
    'bytes_un', string.format('%.0f', un), 'bytes', string.format('%.0f', total))
end
return reply
