"""Indexes are opened and brought up to date from the changelog, long restores by processes of their own."""
