"""What the attributes of an element say: that it is hidden, or by the words in its class and id, what it holds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ASIDE_ROLES: Final = frozenset(
    {"navigation", "complementary", "contentinfo", "banner", "search", "dialog", "alertdialog", "menu", "alert"}
)
COMMENT_WORDS: Final = (
    r"(?:^|[\s_-])(?:comments?|commentary-?box|respond|disqus\w*|fb-comments|livefyre|coral-?talk|viafoura|spot-?im|"
    r"reader-?(?:comments?|posts?))(?=$|[\s_-])|comment-?(?:list|box|area|section|thread)"
)
#: Words in a class or an id that mark what readers wrote.
COMMENTS: Final = re.compile(COMMENT_WORDS, re.IGNORECASE)
#: Where a word begins in `CommentBox`.
_CAMEL_CASE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLASS_AND_ID_CHARS_MAX: Final = 400


def is_hidden(attributes: dict[str, str | None]) -> bool:
    """Whether an element with these attributes is not shown, or is outside the main part of the page by its role."""
    if (attributes.get("id") or "").startswith("S:"):  # React streams content into it, and shows it elsewhere
        return False
    style = attributes.get("style")
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") in _ASIDE_ROLES
        or (style is not None and "display:none" in style.replace(" ", "").lower())
    )


def has_class_or_id(attributes: dict[str, str | None], pattern: re.Pattern[str]) -> bool:
    """Whether the class or the id of an element with these attributes matches ``pattern``."""
    class_and_id = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    return len(class_and_id) > 1 and _has_match(class_and_id[:_CLASS_AND_ID_CHARS_MAX], pattern)


@lru_cache(maxsize=32_768)
def _has_match(class_and_id: str, pattern: re.Pattern[str]) -> bool:
    # Cached, since the paragraphs of a page, and the pages of a site, share their classes.
    return pattern.search(_CAMEL_CASE.sub("-", class_and_id)) is not None
