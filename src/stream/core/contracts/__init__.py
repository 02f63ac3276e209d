"""What goes over the wire: events, records, topics, headers and JSON Schemas."""
