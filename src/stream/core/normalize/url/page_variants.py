"""Variants of one page, such as AMP and mobile ones: what of an address does not tell its article from another.

Bold where only the comparison of addresses sees it, and no bolder than this: two articles must never share a key.
So ``/m/`` and ``/mobile/`` stay, which name sections as often as mobile pages.
"""

from __future__ import annotations

import re
from typing import Final

#: Subdomains of mobile and AMP pages, and mirrors.
_SUBDOMAINS: Final = ("www.", "m.", "mobile.", "amp.", "wap.", "touch.", "www1.", "www2.", "www3.")
# https://developers.google.com/amp/cache/overview: /c/s/host/path, where s stands for https; the host before
# cdn.ampproject.org is that of the path once more.
_CACHE_HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)?(?:cdn\.ampproject\.org|bing-amp\.com)")
_CACHE_PATH: Final = re.compile(r"/(?:c|v|wp)/(s/)?([^/]+\..*)", re.DOTALL)
_VIEWER_HOST: Final = re.compile(r"(?:www\.)?google\.(?:[a-z]{2,3}|com?\.[a-z]{2})")
_VIEWER_PATH: Final = re.compile(r"/amp/(s/)?([^/]+\..*)", re.DOTALL)
_SLASHES: Final = re.compile(r"//+")
_INDEX: Final = re.compile(r"/(?:index\.(?:html?|php|aspx?|jsp|shtml)|default\.(?:html?|aspx?))", re.IGNORECASE)
# What follows keeps at least one segment: /amp alone is a page of its own.
_AMP_PREFIX: Final = "/amp/"
_AMP_SUFFIXES: Final = ("/amp", ".amp")
_AMP_HTML: Final = re.compile(r"\.amp\.(?:s?html?|php)", re.IGNORECASE)
_AMP_HTML_CHARS_MAX: Final = len(".amp.shtml")
#: Values with which a parameter asks for the AMP or mobile form of a page: `?amp`, `?outputType=amp`, Blogger's `?m=1`.
_FORMS: Final = {
    "amp": frozenset({"", "0", "1", "true", "false", "yes", "amp"}),
    "isamp": frozenset({"", "0", "1", "true", "false"}),
    "noamp": frozenset({"", "1", "true", "mobile"}),
    "outputtype": frozenset({"amp"}),
    "output": frozenset({"amp"}),
    "view": frozenset({"amp"}),
    "m": frozenset({"0", "1"}),
}


def inside_amp_cache(host: str, path: str) -> str | None:
    """The address, without its query, that an AMP cache or viewer shows at ``path``; None for any other host."""
    if "amp" not in host and "google." not in host:
        return None
    if _CACHE_HOST.fullmatch(host):
        match = _CACHE_PATH.fullmatch(path)
    else:
        match = _VIEWER_PATH.fullmatch(path) if _VIEWER_HOST.fullmatch(host) else None
    return f"http{'s' if match[1] else ''}://{match[2]}" if match else None


def article_site(host: str, subdomains: tuple[str, ...] = _SUBDOMAINS) -> str:
    """``host`` without one of ``subdomains``, if a host is left."""
    if not host.startswith(subdomains):
        return host
    rest = host.partition(".")[2]
    return rest if "." in rest else host


def article_path(path: str) -> str:
    """``path`` without what AMP pages, directory indexes and doubled slashes add."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    path = path.rstrip("/")
    start = path.rfind("/")
    if start >= 0 and _INDEX.fullmatch(path, start):
        path = path[:start]
    lower = path[-_AMP_HTML_CHARS_MAX:].lower()
    if "amp" in lower:
        path = _without_amp_suffix(path, lower)
    if path.startswith(_AMP_PREFIX):
        path = path[len(_AMP_PREFIX) - 1 :]
    return path or "/"


def _without_amp_suffix(path: str, lower: str) -> str:
    for suffix in _AMP_SUFFIXES:
        if lower.endswith(suffix):
            rest = path[: -len(suffix)].rstrip("/")
            return rest or path
    at = path.rfind(".", 0, path.rfind("."))
    if at > 0 and path[at - 1] != "/" and _AMP_HTML.fullmatch(path, at):
        return path[:at] + path[at + len(".amp") :]
    return path


def article_query(parameters: list[str]) -> str:
    """The query, with its ``?``, of sorted and escaped ``parameters`` that are not about the form of the page."""
    kept = []
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = name.lower()
        if name not in _FORMS or value.lower() not in _FORMS[name]:
            kept.append(f"{name}={value}" if value else name)
    return "?" + "&".join(sorted(kept)) if kept else ""
