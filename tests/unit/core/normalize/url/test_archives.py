"""URLs of archives, caches and translators."""

from __future__ import annotations

import pytest

from stream.core.normalize.url import canonicalize
from stream.core.normalize.url.archives import archived_url


@pytest.mark.parametrize(
    "url",
    [
        "https://web.archive.org/",
        "https://web.archive.org/web/2026*/news.example",
        "https://archive.ph/AbCd1",
        "https://webcache.googleusercontent.com/search?q=pier",
        "https://translate.goog/a",
        "https://example.translate.goog/a",
    ],
)
def test_other_pages_of_archives_stay_what_they_are(url: str) -> None:
    result = canonicalize(url)
    assert result is not None
    assert result.domain.endswith(("archive.org", "archive.ph", "googleusercontent.com", "translate.goog"))


def test_an_archive_of_an_archive_is_bounded() -> None:
    url = "https://web.archive.org/web/2026/" * 9 + "https://news.example/a"
    assert canonicalize(url) is None


def test_other_hosts_are_none() -> None:
    assert archived_url("news.example", "/web/2026/https://other.example/a", "") is None
