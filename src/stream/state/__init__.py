"""The durable state of a worker: one index per partition."""
