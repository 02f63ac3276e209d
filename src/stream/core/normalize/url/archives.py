"""Archives, caches and translators that show the page of another site: the URL of that page."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_PAGE: Final = r"(?:(https?):/{1,2})?([^/]+\..*)"
#: /web/20260504093000id_/https://host/path; the letters ask for a form of the page.
_WAYBACK_HOST: Final = "web.archive.org"
_WAYBACK_PATH: Final = re.compile(rf"/web/[0-9]{{1,14}}(?:[a-z]{{2}}_)?/{_PAGE}", re.DOTALL)
#: /20260504093000/https://host/path, /newest/https://host/path, and the same with the short id of a copy.
_ARCHIVE_TODAY_HOST: Final = re.compile(r"archive\.(?:today|ph|is|li|fo|md|vn)")
_ARCHIVE_TODAY_PATH: Final = re.compile(
    r"/(?:[0-9]{4,14}|newest|oldest|o/[A-Za-z0-9]+)/(https?):/{1,2}([^/]+\..*)", re.DOTALL
)
#: ?q=cache:ID:host/path+words
_GOOGLE_CACHE_HOST: Final = "webcache.googleusercontent.com"
_GOOGLE_CACHE_QUERY: Final = re.compile(r"(?:^|&)q=cache:(?:[\w-]{1,40}:)?(?:(https?)://)?([^/+&\s:]+\.[^+&\s]*)")
#: The host with "-" for each dot, and "--" for each hyphen.
_TRANSLATED_HOST: Final = re.compile(r"([a-z0-9-]+)\.translate\.goog")
_HYPHENS: Final = re.compile("--|-")


def archived_url(host: str, path: str, query: str) -> str | None:
    """Return the URL, without its query, of the page that an archive shows; None if ``host`` is none.

    >>> archived_url("web.archive.org", "/web/20260504093000/https://news.example/a", "")
    'https://news.example/a'
    >>> archived_url("www-news--site-example.translate.goog", "/a", "")
    'https://www.news-site.example/a'
    """
    match: re.Match[str] | None = None
    if host == _WAYBACK_HOST:
        match = _WAYBACK_PATH.fullmatch(path)
    elif _ARCHIVE_TODAY_HOST.fullmatch(host):
        match = _ARCHIVE_TODAY_PATH.fullmatch(path)
    elif host == _GOOGLE_CACHE_HOST:
        match = _GOOGLE_CACHE_QUERY.search(unquote(query))
    elif translated := _TRANSLATED_HOST.fullmatch(host):
        name = _HYPHENS.sub(lambda hyphens: "-" if hyphens[0] == "--" else ".", translated[1])
        return f"https://{name}{path}" if "." in name else None
    return f"{match[1] or 'https'}://{match[2]}" if match else None


def keeps_query(host: str) -> bool:
    """Whether the query of an archive's URL is that of the page."""
    return host != _GOOGLE_CACHE_HOST
