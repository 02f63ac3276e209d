"""Apache Kafka without Docker: ``python -m tools.kafka_node.run``."""
