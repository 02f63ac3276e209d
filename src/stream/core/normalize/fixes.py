"""Named conservative fixes, counted, and the pipeline that applies them.

The names are part of the published contract: each article lists in ``fixes`` which fixes changed it, and how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from stream.core.normalize.trigger_scan import CharacterPair, TriggerScan

#: Every fix that a published article can list -> what it did, roughly in the order of the flow.
FIXES: Final[dict[str, str]] = {
    "html_to_text": "The event had no text, so the text was extracted from the HTML page.",
    "page_boxes": "Boxes of the page were left out, such as share bars and lists of related articles.",
    "page_captions": "Captions and picture credits of the page were left out.",
    "page_comments": "Readers' comments on the page were left out.",
    "page_forms": "Forms of the page were left out.",
    "page_hidden": "Blocks that the page does not show were left out.",
    "page_links": "Blocks of the page that only link to other pages were left out.",
    "page_tables": "Tables of the page that arrange it, and hold no data, were left out.",
    "mojibake": "Text that had been decoded with the wrong character encoding was decoded again.",
    "entities": "HTML character references, such as `&amp;`, were replaced by their characters.",
    "html_tags": "HTML tags that had been left in the text were removed.",
    "line_breaks": "Other kinds of line breaks were replaced by a line feed.",
    "control_characters": "Control characters, noncharacters and lone surrogates were removed.",
    "bidi_marks": "Bidirectional control characters were removed.",
    "invisible_characters": "Zero-width spaces, soft hyphens and joiners without effect were removed.",
    "spaces": "Tabs and special spaces became plain spaces; repeated and outer spaces and empty lines were removed.",
    "stacked_marks": "Combining marks beyond the 256th on one letter were removed.",
    "nfc": "The text was converted to Unicode NFC.",
    "presentation_forms": "Arabic presentation forms and Latin ligatures were replaced by their letters.",
    "hyphenation": "Words that had been broken at the end of a line were joined.",
    "addresses": "Disguised e-mail and web addresses, such as `name (at) example.org`, were restored.",
    "repeated_marks": "Repeated punctuation, such as `!!!`, was shortened.",
    "quotes": "Doubled or mismatched quotation marks were corrected.",
    "spacing": "Spaces around punctuation, brackets and quotation marks were corrected.",
    "carousel": "Labels of picture galleries were removed.",
    "share_links": "Share buttons and links were removed.",
    "comments": "Comment forms and their headings were removed.",
    "counters": "Counters of comments, views or reads were removed.",
    "copyright": "Copyright notices were removed.",
    "follow_calls": "Invitations to follow, subscribe or download an app were removed.",
    "contact_lines": "Contact details of the author were removed.",
    "source_link": "Links to the original publication were removed.",
    "photo_credits": "Photo credits were removed.",
    "publication_notes": "Notes about the publication, such as 'to be continued', were removed.",
    "tag_lines": "Lists of keywords were removed.",
    "advertising": "Advertising labels were removed.",
    "read_also": "Links to other articles were removed.",
    "scripts": "JavaScript that had been left in the text was removed.",
    "separators": "Lines of punctuation at the start or the end of the text were removed.",
    "repeated_title": "The title was removed from the start of the text.",
    "teaser": "A shortened copy of the first paragraph was moved to `teaser`.",
    "byline": "The author line was moved to `byline`, and its names to `authors` if the event had none.",
    "dateline": "The dateline was moved to `dateline`, and its parts to `located` and `agencies`.",
    "signoff": "The agency credit at the end of the text was moved to `byline`, and its agencies to `agencies`.",
    "repeated_paragraphs": "Paragraphs that appeared twice were reduced to their first occurrence.",
    "published_at_dropped": "`published_at` was unreadable, ambiguous or in the future, and was dropped.",
    "modified_at_dropped": "`modified_at` was unreadable, ambiguous or in the future, and was dropped.",
    "fetched_at_dropped": "`fetched_at` was unreadable, ambiguous or in the future, and was dropped.",
}


class FixCounts(Counter[str]):
    """How often each fix of `FIXES` changed something, over all fields of one article."""


@dataclass(frozen=True, slots=True)
class FixStep:
    """One step of a `FixPipeline`.

    ``fix`` takes a text and returns the fixed text and the number of changes, which is 0 only if nothing changed.
    It runs only on texts that contain one of the pairs in ``triggers``, or on every text if there are none. Several
    steps may share a ``name``; their counts add up.
    """

    name: str
    fix: Callable[[str], tuple[str, int]]
    triggers: tuple[CharacterPair, ...] = ()


class FixPipeline:
    r"""Applies steps in order, again and again until none of them changes the text, so that the whole is idempotent.

    >>> pipeline = FixPipeline([FixStep("tabs", lambda text: (text.replace("\t", " "), text.count("\t")))])
    >>> counts = FixCounts()
    >>> pipeline.apply("a\tb\tc", counts)
    'a b c'
    >>> dict(counts)
    {'tabs': 2}
    """

    def __init__(self, steps: Sequence[FixStep]) -> None:
        self.steps = tuple(steps)
        pairs = list(dict.fromkeys(pair for step in steps for pair in step.triggers))
        self._scan = TriggerScan(pairs)
        self._masks = [sum(1 << pairs.index(pair) for pair in step.triggers) for step in steps]
        self._cached_selections: dict[int, list[int]] = {}

    def apply(self, text: str, fixes: FixCounts) -> str:
        """Return ``text`` after all steps, and add the changes of each step to ``fixes``."""
        settled: frozenset[int] = frozenset()
        for _ in range(PASSES_MAX):
            selected = self._select_steps(self._scan(text))
            last_change = -1
            for i in selected:
                if last_change < 0 and i in settled:
                    continue
                step = self.steps[i]
                text, count = step.fix(text)
                if count:
                    fixes[step.name] += count
                    last_change = i
            if last_change < 0:
                break
            # Steps after the last change have already seen this text; they need not run before the next change.
            settled = frozenset(i for i in selected if i > last_change)
        return text

    def _select_steps(self, triggers: int) -> list[int]:
        """Return the indexes of the steps that one of the triggers in the bit mask applies to."""
        selected = self._cached_selections.get(triggers)
        if selected is None:
            selected = [i for i, mask in enumerate(self._masks) if not mask or triggers & mask]
            if len(self._cached_selections) < CACHED_SELECTIONS_MAX:
                self._cached_selections[triggers] = selected
        return selected


#: Selections of steps that are cached; real news has a few hundred combinations of triggers.
CACHED_SELECTIONS_MAX: Final = 4_096
#: A change by one step can give an earlier step work again, for example when it reveals an entity. Real texts settle
#: within this number of passes.
PASSES_MAX: Final = 6
