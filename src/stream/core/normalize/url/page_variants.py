"""Variants of one page, such as AMP and mobile pages: the parts of a URL that do not distinguish articles.

They are dropped from the URL key only, and no more than is safe, because two articles must never share a key. So
``/m/`` and ``/mobile/`` stay: they name sections as often as mobile pages.
"""

from __future__ import annotations

import re
from typing import Final

#: Subdomains of mobile and AMP pages and of mirrors.
_SUBDOMAINS: Final = ("www.", "m.", "mobile.", "amp.", "wap.", "touch.", "www1.", "www2.", "www3.")
# /c/s/host/path, where "s" means https (https://developers.google.com/amp/cache/overview). The subdomain of
# cdn.ampproject.org repeats the host.
_CACHE_HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)?(?:cdn\.ampproject\.org|bing-amp\.com)")
_CACHE_PATH: Final = re.compile(r"/(?:c|v|wp)/(s/)?([^/]+\..*)", re.DOTALL)
_VIEWER_HOST: Final = re.compile(r"(?:www\.)?google\.(?:[a-z]{2,3}|com?\.[a-z]{2})")
_VIEWER_PATH: Final = re.compile(r"/amp/(s/)?([^/]+\..*)", re.DOTALL)
_SLASHES: Final = re.compile(r"//+")
_INDEX_PAGE: Final = re.compile(r"/(?:index\.(?:html?|php|aspx?|jsp|shtml)|default\.(?:html?|aspx?))", re.IGNORECASE)
# Stripping these leaves at least one segment: /amp alone is a page of its own.
_AMP_PREFIX: Final = "/amp/"
_AMP_SUFFIXES: Final = ("/amp", ".amp")
_AMP_HTML: Final = re.compile(r"\.amp\.(?:s?html?|php)", re.IGNORECASE)
_AMP_HTML_CHARS_MAX: Final = len(".amp.shtml")
#: Parameters that request the AMP, mobile or printable variant of a page, and the values with which they do: `?amp`,
#: `?outputType=amp`, Blogger's `?m=1`, `?print=1`.
_VARIANT_PARAMETERS: Final = {
    "amp": frozenset({"", "0", "1", "true", "false", "yes", "amp"}),
    "isamp": frozenset({"", "0", "1", "true", "false"}),
    "noamp": frozenset({"", "1", "true", "mobile"}),
    "outputtype": frozenset({"amp"}),
    "output": frozenset({"amp"}),
    "view": frozenset({"amp"}),
    "m": frozenset({"0", "1"}),
    "print": frozenset({"", "1", "true", "yes", "y", "print", "pdf"}),
    "printable": frozenset({"", "1", "true", "yes"}),
    "printpage": frozenset({"", "1", "true", "yes"}),
}


def amp_cached_url(host: str, path: str) -> str | None:
    """Return the URL, without its query, of the page that an AMP cache or viewer shows at ``path``; None otherwise.

    >>> amp_cached_url("news-example.cdn.ampproject.org", "/c/s/news.example/a")
    'https://news.example/a'
    """
    if "amp" not in host and "google." not in host:
        return None
    if _CACHE_HOST.fullmatch(host):
        match = _CACHE_PATH.fullmatch(path)
    else:
        match = _VIEWER_PATH.fullmatch(path) if _VIEWER_HOST.fullmatch(host) else None
    return f"http{'s' if match[1] else ''}://{match[2]}" if match else None


def strip_subdomain(host: str, subdomains: tuple[str, ...] = _SUBDOMAINS) -> str:
    """Return ``host`` without the first of its labels if that is in ``subdomains`` and at least two labels are left.

    >>> strip_subdomain("m.news.example"), strip_subdomain("m.example")
    ('news.example', 'm.example')
    """
    if not host.startswith(subdomains):
        return host
    rest = host.partition(".")[2]
    return rest if "." in rest else host


def key_path(path: str) -> str:
    """Return ``path`` as it is in a URL key: without AMP parts, directory indexes, and double and final slashes.

    >>> key_path("/2026//garden.amp.html"), key_path("/town/index.html")
    ('/2026/garden.html', '/town')
    """
    if "//" in path:
        path = _SLASHES.sub("/", path)
    path = path.rstrip("/")
    last_slash = path.rfind("/")
    if last_slash >= 0 and _INDEX_PAGE.fullmatch(path, last_slash):
        path = path[:last_slash]
    ending = path[-_AMP_HTML_CHARS_MAX:].lower()
    if "amp" in ending:
        path = _strip_amp_suffix(path, ending)
    if path.startswith(_AMP_PREFIX):
        path = path[len(_AMP_PREFIX) - 1 :]
    return path or "/"


def _strip_amp_suffix(path: str, ending: str) -> str:
    for suffix in _AMP_SUFFIXES:
        if ending.endswith(suffix):
            rest = path[: -len(suffix)].rstrip("/")
            return rest or path
    dot = path.rfind(".", 0, path.rfind("."))
    if dot > 0 and path[dot - 1] != "/" and _AMP_HTML.fullmatch(path, dot):
        return path[:dot] + path[dot + len(".amp") :]
    return path


def key_query(parameters: list[str]) -> str:
    """Return the query of a URL key, with its "?": ``parameters`` (escaped) without those of page variants.

    >>> key_query(["ID=7", "outputType=amp"])
    '?id=7'
    """
    remaining = []
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = name.lower()
        if value.lower() not in _VARIANT_PARAMETERS.get(name, ()):
            remaining.append(f"{name}={value}" if value else name)
    return "?" + "&".join(sorted(remaining)) if remaining else ""
