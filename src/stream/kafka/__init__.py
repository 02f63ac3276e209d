"""Synchronous access to Kafka: security, topics, ACLs and group offsets."""
