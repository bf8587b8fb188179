-- Is everything we wrote still there? KEYS: {p}:meta. Returns [1, writes] or what the prelude says.
return {1, writes}
