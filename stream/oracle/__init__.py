"""The second opinion: every figure recomputed with DuckDB SQL from the event file."""
