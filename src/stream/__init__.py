"""Article stream: raw scraped articles in, enriched events, duplicates and dead letters out."""

__version__ = "0.1.0"
