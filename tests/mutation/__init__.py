"""Mutation tests: survivors that are accepted, and the order in which tests are run on a mutant."""
