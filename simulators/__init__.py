"""Seeded, deterministic rooms with their ground truth."""
