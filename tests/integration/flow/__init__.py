"""Tests of the flow end to end: the same ones on the broker in memory and on Apache Kafka."""
