"""The Faust transport for Apache Kafka, over aiokafka."""
