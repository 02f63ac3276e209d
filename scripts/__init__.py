"""What runs at build time only: generators of contracts, tables and pictures."""
