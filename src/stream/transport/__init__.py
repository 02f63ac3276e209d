"""Faust transports that hand over whole batches: Kafka, and a broker in memory."""
