"""Addresses: the canonical one that is published, and the key that tells one article from another."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
#: Query parameters that name a campaign, a referrer or a session, never an article.
TRACKING: Final = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign|custom\d)|ns_\w+|mc_[ce]id|pk_\w+|mtm_\w+|_hs\w+|hsa_\w+"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|li_fat_id|_openstat"
    r"|ref_?src|ref_?url|cmpid|ocid|smid|ito|spm|xtor|wt_?mc\w*|sessionid|phpsessid|jsessionid)",
    re.IGNORECASE,
)
_SAFE_PATH: Final = "/:@!$&'()*+,;=~-._"
_SUBDOMAINS: Final = ("www.", "m.", "mobile.", "amp.")


class Address(NamedTuple):
    """``canonical``: published. ``key``: compared, without scheme, ``www.`` and final slash. ``domain``: the site."""

    canonical: str
    key: str
    domain: str


def canonicalize(url: str) -> Address | None:
    """The address behind the many spellings of ``url`` (RFC 3986, section 6), or None if it has no host."""
    try:
        parts = urlsplit(url.strip())
        host = _host(parts)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    netloc = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    path = _path(scheme, netloc, parts.path)
    query = _query(parts.query)
    domain = host.removeprefix("www.")
    bare = next((host.removeprefix(prefix) for prefix in _SUBDOMAINS if host.startswith(prefix)), host)
    site = bare if port in (None, *_DEFAULT_PORTS.values()) else f"{bare}:{port}"
    key = f"{site}{path.rstrip('/') or '/'}" + (f"?{query}" if query else "")
    return Address(urlunsplit((scheme, netloc, path, query, "")), key, domain)


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if host.isascii():
        return host
    return host.encode("idna").decode()


def _path(scheme: str, netloc: str, path: str) -> str:
    if not path:
        return "/"
    if "/." in path:
        path = urlsplit(urljoin(f"{scheme}://{netloc}/", path)).path
    return quote(unquote_to_bytes(path), safe=_SAFE_PATH)


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode(sorted(pair for pair in pairs if not TRACKING.fullmatch(pair[0])))
