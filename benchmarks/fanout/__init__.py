"""Benchmarks of the gateway: CPU per delivery, memory per connection, loss."""
