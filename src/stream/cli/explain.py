"""``stream explain``: why two articles are linked, or are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import msgspec
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.cli.article_arguments import read_article, read_row
from stream.cli.bidi import console, escape_json, is_coloured, phrase, wrap_lines
from stream.cli.input_files import STDIN
from stream.core.contracts.events import EnrichedEvent
from stream.errors import Rejected
from stream.evaluation.explanation import Explanation
from stream.evaluation.explanation import explain as explain_articles
from stream.evaluation.labelled_pairs import RowError, read_pair
from stream.evaluation.word_diff import Alignment, Passage, Word, align
from stream.settings import load_settings

#: Of longer passages, this many words at each end are shown.
_SHARED_ENDS, _CHANGED_ENDS = 12, 40
#: The figures in the JSON output: key -> attribute of `Similarity`.
_FIGURES: Final = {
    "tokens": "tokens",
    "covered": "covered_tokens",
    "containment": "containment",
    "changed": "changed_share",
    "number_changes": "number_changes",
    "new_number_changes": "new_number_changes",
    "numbers_known": "shared_numbers_share",
    **{name: name for name in ("length_ratio", "is_longer", "is_opening", "shares_opening")},
    **{name: name for name in ("has_other_names", "has_other_marks")},
}
#: For passages that only A has, and that only B has: style of words, style of numbers, and the signs around the passage
#: if there are no colours.
_CHANGES: Final = (("red strike", "bold white on red", "[-", "-]"), ("green", "bold black on green", "{+", "+}"))


@click.command(epilog="Example: stream explain old.txt new.html, or: stream explain feed.jsonl:12 feed.jsonl#b7")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B", required=False)
@click.option("--full", is_flag=True, help="Show long passages in full.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object, for scripts.")
def explain(first: str, second: str | None, full: bool, as_json: bool) -> None:
    """Explain the verdict on B if A comes before it, and show how the texts differ.

    A and B are .txt, .html or .json files, FILE.jsonl:LINE, FILE.jsonl#ID, or - for standard input (one of them).
    Output lines of stream process are accepted too. Without B, A is a row of labelled pairs: PAIRS.jsonl:LINE. Only
    these two articles are compared, no matter how far apart they were fetched.

    In the differences, [-red-] is in A only and {+green+} is in B only; shared passages are shown as A has them.

    Exit codes: 0 linked, 1 new (not linked), 2 wrong usage, 66 unreadable input, 78 invalid settings.
    """
    load_settings()  # it has none of its own, but a mistyped one is reported by every command
    explanation = _explain(*_read_events(first, second))
    alignment = align(explanation.first.text, explanation.second.text)
    if as_json:
        click.echo(escape_json(orjson.dumps(_explanation_json(explanation, alignment)), sys.stdout.buffer))
    else:
        _show(console(), explanation, alignment, full=full)
    sys.exit(0 if explanation.is_linked else 1)


def _read_events(first: str, second: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if second is not None:
        if first == second == STDIN:
            raise click.UsageError("only one of A and B can be standard input")
        return read_article(first), read_article(second)
    value, number = read_row(first)
    try:
        pair = read_pair(value, first, number=number)
    except RowError as error:
        raise click.UsageError(str(error)) from None
    return pair.first, pair.second


def _explain(first: dict[str, Any], second: dict[str, Any]) -> Explanation:
    try:
        return explain_articles(first, second)
    except Rejected as error:
        raise click.UsageError(f"{error.code}: {error.message}") from None


def _show(out: Console, explanation: Explanation, alignment: Alignment, *, full: bool) -> None:
    for name, event in zip("AB", (explanation.first, explanation.second), strict=True):
        out.print(_heading(name, event), soft_wrap=True)
    out.print()
    out.print(_verdict(explanation), soft_wrap=True)
    verdict = explanation.second.duplicate
    out.print(Text(f"rule {verdict.method}, version {verdict.version}", style="dim"), soft_wrap=True)
    out.print()
    out.print(_scores(explanation))
    out.print()
    out.print(_checks_table(explanation))
    out.print()
    _show_numbers(out, alignment)
    is_rtl = explanation.second.language.direction == "rtl"
    differences = diff(alignment, is_plain=not is_coloured(out), full=full)
    for line in wrap_lines(differences, out, width=_wrap_width(out), is_rtl=is_rtl):
        out.print(line, soft_wrap=True)
    if alignment.is_cut:
        out.print(Text("The texts are longer; only their beginnings are shown.", style="dim"))


def _wrap_width(out: Console) -> int | None:
    """The width of a terminal; None for a file or a pipe, whose lines are not broken."""
    return out.width if out.is_terminal else None


def _heading(name: str, event: EnrichedEvent) -> Text:
    language = event.language
    details = f"  {language.tag} ({language.confidence:.0%} confidence), {event.content.words} words  "
    return Text.assemble(
        (f"{name}  ", "bold"), phrase(event.id), (details, "dim"), phrase(event.title) if event.title else "no title"
    )


#: The relation -> what B is.
_RELATIONS: Final = {
    "new": "B is new",
    "revision": "B is a revision of A",
    "expansion": "B is an expansion of A",
    "recrawl": "B is a recrawl of A",
    "copy": "B is a copy of A",
    "near_copy": "B is a near copy of A",
    "excerpt": "B is an excerpt of A",
    "outdated": "B is an older version of A",
}


def _verdict(explanation: Explanation) -> Text:
    style = "bold green" if explanation.is_linked else "bold yellow"
    return Text.assemble((_RELATIONS[explanation.second.duplicate.relation], style), f": {explanation.meaning}")


def _scores(explanation: Explanation) -> Text:
    """The published scores, on two lines that fit any terminal."""
    scores = explanation.comparison.scores
    change = scores.change
    lines = (
        {
            "containment": _format_number(scores.containment),
            "Jaccard": _format_number(scores.jaccard),
            "title similarity": _format_number(scores.title_similarity),
        },
        {
            "changed words": _format_number(change.tokens if change else None),
            "numbers changed": _format_bool(change.numbers if change else None),
            "same source": _format_bool(scores.same_source),
        },
    )
    return Text("\n").join(
        Text("  ").join(Text.assemble((f"{name} ", "dim"), (value, "bold")) for name, value in line.items())
        for line in lines
    )


def _checks_table(explanation: Explanation) -> Table:
    reason = explanation.comparison.reason
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("Two texts at different URLs are linked if they have:")
    table.add_column("These texts: " + ("linked" if reason is None else f"not linked, {reason}"))
    for check in explanation.comparison.checks:
        sign = Text("ok", style="green") if check.is_met else Text("no", style="bold red")
        table.add_row(sign, check.required, Text(check.actual))
    return table


def _show_numbers(out: Console, alignment: Alignment) -> None:
    for name, numbers, change in zip("AB", alignment.numbers, _CHANGES, strict=True):
        if numbers:
            line = Text.assemble((f"numbers only in {name}: ", "bold"))
            out.print(line + Text(", ").join(Text(number, style=change[1]) for number in numbers), soft_wrap=True)
    if any(alignment.numbers):
        out.print()


def diff(alignment: Alignment, *, is_plain: bool, full: bool) -> Text:
    """Show both texts in one; what only one of them has is marked by colour, or by signs if ``is_plain``."""
    merged = Text()
    for passage in alignment.passages:
        if passage.is_shared:
            merged.append(_shorten(passage.first, _SHARED_ENDS, full=full))
        else:
            merged.append(_show_change(passage, is_plain=is_plain, full=full))
    merged.rstrip()
    return merged


def _show_change(passage: Passage, *, is_plain: bool, full: bool) -> Text:
    parts, space = [], ""
    for words, (style, number_style, start, end) in zip((passage.first, passage.second), _CHANGES, strict=True):
        if words:
            last = words[-1].text
            without_space = last.rstrip()
            text = _shorten(
                [*words[:-1], words[-1]._replace(text=without_space)],
                _CHANGED_ENDS,
                full=full,
                style=style,
                number_style=number_style,
            )
            parts.append(Text.assemble(start, text, end) if is_plain else text)
            space = last[len(without_space) :]
    return Text(" ").join(parts).append(space)


def _shorten(words: Sequence[Word], ends: int, *, full: bool, style: str = "", number_style: str = "") -> Text:
    left_out = len(words) - 2 * ends
    if full or left_out < ends:
        return _style(words, style, number_style)
    note = Text(f"… ({left_out} more words) … ", style="dim")
    return Text.assemble(_style(words[:ends], style, number_style), note, _style(words[-ends:], style, number_style))


def _style(words: Sequence[Word], style: str, number_style: str) -> Text:
    return Text.assemble(*((word.text, number_style if word.is_number else style) for word in words))


def _format_number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _format_bool(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[value]


def _explanation_json(explanation: Explanation, alignment: Alignment) -> dict[str, Any]:
    comparison, duplicate = explanation.comparison, explanation.second.duplicate
    score_names = ("jaccard", "containment", "title_similarity", "change", "same_source")
    return {
        "is_linked": explanation.is_linked,
        "relation": duplicate.relation,
        "method": duplicate.method,
        "meaning": explanation.meaning,
        "version": duplicate.version,
        "a": _article_json(explanation.first),
        "b": _article_json(explanation.second),
        "scores": {name: msgspec.to_builtins(getattr(comparison.scores, name)) for name in score_names},
        "by_text": {
            "reason": comparison.reason,
            "checks": [
                {"reason": check.reason, "required": check.required, "found": check.actual, "is_met": check.is_met}
                for check in comparison.checks
            ],
            "likeness": {key: getattr(comparison.similarity, name) for key, name in _FIGURES.items()},
        },
        "numbers": dict(zip(("only_a", "only_b"), alignment.numbers, strict=True)),
        "passages": list(_passages_json(alignment)),
        "is_cut": alignment.is_cut,
    }


def _article_json(event: EnrichedEvent) -> dict[str, Any]:
    return {"id": event.id, "title": event.title, "text": event.text, "language": msgspec.to_builtins(event.language)}


def _passages_json(alignment: Alignment) -> Iterator[dict[str, Any]]:
    for is_shared, *sides in alignment.passages:
        first, second = ("".join(word.text for word in words) for words in sides)
        yield {"is_shared": is_shared, "a": first, "b": second}
