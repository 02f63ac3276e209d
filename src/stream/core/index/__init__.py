"""The duplicate index of one partition of the normalized topic."""
