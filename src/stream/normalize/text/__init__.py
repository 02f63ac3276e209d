"""Published text: the steps that clean it, in order."""

from __future__ import annotations

import re
from typing import Final

from stream.normalize.scan import Pair
from stream.normalize.steps import Fixes, Step, Steps
from stream.normalize.text import characters, entities, marks, mojibake, punctuation, quotes

_CONTROLS: Final = Pair(characters.LINE_BREAKS + characters.CONTROLS)
_TWO_MARKS: Final = Pair(characters.COMBINING, characters.COMBINING)
#: Conservative fixes only. Encodings come first, as other steps remove bytes that they need; entities may hide
#: characters that later steps remove; marks are looked at when nothing invisible stands between them any more.
TEXT_STEPS: Final = Steps(
    [
        Step("mojibake", mojibake.decode_utf8, mojibake.UTF8_PAIRS),
        Step("mojibake", mojibake.decode_legacy, mojibake.LEGACY_PAIRS),
        Step("entities", entities.decode_entities, (Pair("&", "#A-Za-z"),)),
        Step("html_tags", entities.remove_tags, (Pair("<", "/a-z"),)),
        Step("line_breaks", characters.unify_line_breaks, (_CONTROLS,)),
        Step("control_characters", characters.remove_controls, (_CONTROLS,)),
        Step("bidi_marks", characters.remove_bidi, (Pair(characters.BIDI_MARKS),)),
        Step("invisible_characters", characters.remove_invisible, (Pair(characters.INVISIBLES + characters.JOINERS),)),
        Step("spaces", characters.unify_spaces, (Pair(characters.ODD_SPACES),)),
        Step("stacked_marks", characters.limit_marks, (_TWO_MARKS,)),
        Step("nfc", characters.compose, (Pair(characters.UNCOMPOSED), _TWO_MARKS)),
        Step("presentation_forms", characters.unfold_presentation_forms, (Pair(characters.PRESENTATION_FORMS),)),
        Step("spaces", characters.collapse_spaces, (Pair(" \n", " \n"),)),
        Step("hyphenation", marks.join_broken_words, marks.HYPHEN_PAIRS),
        Step("addresses", marks.reveal_addresses, marks.DISGUISED_PAIRS),
        Step("repeated_marks", marks.shorten_emphasis, marks.EMPHASIS_PAIRS),
        Step("repeated_marks", marks.shorten_pauses, marks.PAUSE_PAIRS),
        Step("repeated_marks", marks.shorten_dots, marks.DOT_PAIRS),
        Step("quotes", quotes.join_doubled, quotes.DOUBLED_PAIRS),
        Step("quotes", quotes.match_quotes, quotes.QUOTE_PAIRS),
        Step("spacing", punctuation.join_inside, punctuation.INSIDE_PAIRS),
        Step("spacing", punctuation.join_before, punctuation.BEFORE_PAIRS),
        Step("spacing", punctuation.part_behind_own, punctuation.BEHIND_OWN_PAIRS),
        Step("spacing", punctuation.part_behind_arabic, punctuation.BEHIND_ARABIC_PAIRS),
        Step("spacing", punctuation.part_behind_others, punctuation.BEHIND_OTHERS_PAIRS),
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
