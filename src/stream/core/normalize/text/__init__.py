"""Published text: the steps that clean it, in order."""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.fixes import Fixes, Step, Steps
from stream.core.normalize.text import characters, html_remnants, mojibake, quotes, repeated_marks, spacing
from stream.core.normalize.trigger_scan import Pair

_CONTROLS: Final = Pair(characters.LINE_BREAKS + characters.CONTROLS)
_TWO_MARKS: Final = Pair(characters.COMBINING, characters.COMBINING)
#: Conservative fixes only. Encodings come first, as other steps remove bytes that they need; entities may hide
#: characters that later steps remove; marks are looked at when nothing invisible stands between them any more.
TEXT_STEPS: Final = Steps(
    [
        Step("mojibake", mojibake.decode_utf8, mojibake.UTF8_PAIRS),
        Step("mojibake", mojibake.decode_legacy, mojibake.LEGACY_PAIRS),
        Step("entities", html_remnants.decode_entities, (Pair("&", "#A-Za-z"),)),
        Step("html_tags", html_remnants.remove_tags, (Pair("<", "/a-z"),)),
        Step("line_breaks", characters.unify_line_breaks, (_CONTROLS,)),
        Step("control_characters", characters.remove_controls, (_CONTROLS,)),
        Step("bidi_marks", characters.remove_bidi, (Pair(characters.BIDI_MARKS),)),
        Step("invisible_characters", characters.remove_invisible, (Pair(characters.INVISIBLES + characters.JOINERS),)),
        Step("spaces", characters.unify_spaces, (Pair(characters.ODD_SPACES),)),
        Step("stacked_marks", characters.limit_marks, (_TWO_MARKS,)),
        Step("nfc", characters.compose, (Pair(characters.UNCOMPOSED), _TWO_MARKS)),
        Step("presentation_forms", characters.unfold_presentation_forms, (Pair(characters.PRESENTATION_FORMS),)),
        Step("spaces", characters.collapse_spaces, (Pair(" \n", " \n"),)),
        Step("hyphenation", repeated_marks.join_broken_words, repeated_marks.HYPHEN_PAIRS),
        Step("addresses", repeated_marks.reveal_addresses, repeated_marks.DISGUISED_PAIRS),
        Step("repeated_marks", repeated_marks.shorten_emphasis, repeated_marks.EMPHASIS_PAIRS),
        Step("repeated_marks", repeated_marks.shorten_pauses, repeated_marks.PAUSE_PAIRS),
        Step("repeated_marks", repeated_marks.shorten_dots, repeated_marks.DOT_PAIRS),
        Step("quotes", quotes.join_doubled, quotes.DOUBLED_PAIRS),
        Step("quotes", quotes.match_quotes, quotes.QUOTE_PAIRS),
        Step("spacing", spacing.join_inside, spacing.INSIDE_PAIRS),
        Step("spacing", spacing.join_before, spacing.BEFORE_PAIRS),
        Step("spacing", spacing.part_behind_own, spacing.BEHIND_OWN_PAIRS),
        Step("spacing", spacing.part_behind_arabic, spacing.BEHIND_ARABIC_PAIRS),
        Step("spacing", spacing.part_behind_others, spacing.BEHIND_OTHERS_PAIRS),
    ]
)


def clean_text(text: str, fixes: Fixes) -> str:
    """A text of paragraphs, one a line. Idempotent."""
    # First what most texts need, so that most of them are settled in one pass.
    if _NO_BREAK in text and not mojibake.holds_spaces(text):
        fixes["spaces"] += text.count(_NO_BREAK)
        text = text.replace(_NO_BREAK, " ")
    text, count = characters.collapse_spaces(text)
    if count:
        fixes["spaces"] += count
    return TEXT_STEPS.apply(text, fixes)


def clean_line(text: str, fixes: Fixes) -> str:
    """The same for a title or a name: everything on one line."""
    if _PLAIN_LINE.fullmatch(text):
        return text
    cleaned = clean_text(text, fixes)
    return clean_text(cleaned.replace("\n", " "), fixes) if "\n" in cleaned else cleaned


_NO_BREAK: Final = "\xa0"
# Words of Latin without accents, Arabic, Cyrillic or Chinese, with single spaces and perhaps a mark behind them: no
# step has anything to do.
_PLAIN_LINE: Final = re.compile(
    r"(?:[A-Za-z0-9\u0621-\u063a\u0641-\u064a\u0410-\u044f\u4e00-\u9fff]++[.:!،؟]?+(?: (?! )(?=.)|\Z))*+"
)
