"""The duplicate decision: fingerprints, their similarity, and the rules."""
