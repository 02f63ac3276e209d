"""The two processing steps, shared by worker, CLI and tests."""
