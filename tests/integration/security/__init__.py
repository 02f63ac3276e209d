"""TLS, SASL and ACLs on a real broker."""
