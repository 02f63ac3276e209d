"""Article stream: raw scraped articles in, enriched events, duplicates and dead letters out."""

from importlib.metadata import version

__version__ = version("article-stream")
