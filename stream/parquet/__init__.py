"""Recordings as Parquet: written from NDJSON, read as columns; docs/formats.md has them."""
