"""Texts that are no articles: what a page shows its reader instead of one."""
