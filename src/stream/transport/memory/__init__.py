"""The Faust transport in memory: one process, nothing durable."""
