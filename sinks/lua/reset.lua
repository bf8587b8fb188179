-- Remove keys of the output and what guards them. KEYS: {p}:meta, then what is to go.
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
redis.call('HDEL', KEYS[1], 'dead', 'wm')
return {1, count_write()}
