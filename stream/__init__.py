"""Floor (events, errors, settings, codec) and roof (shards, dataflow, replay, cli)."""
