"""Tests that need a broker, in memory or Apache Kafka."""
