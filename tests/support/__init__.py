"""What several tests share: builders, test brokers, processes and case files."""
