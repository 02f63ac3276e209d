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

from stream.cli.article_arguments import article, row
from stream.cli.bidi import console, is_coloured, phrase, wrapped
from stream.cli.input_files import STDIN
from stream.core.contracts.events import EnrichedEvent
from stream.core.dedup.rules import VERSION
from stream.errors import Rejected
from stream.evaluation.explanation import Explanation
from stream.evaluation.explanation import explain as explained
from stream.evaluation.labelled_pairs import RowError, read_pair
from stream.evaluation.word_diff import Alignment, Passage, Word, align

#: Of longer passages, so many words at each end are shown.
_SHARED_ENDS, _CHANGED_ENDS = 12, 40
_FIGURES: Final = (
    *("tokens", "covered", "containment", "changed", "number_changes", "new_number_changes", "numbers_known"),
    *("length_ratio", "is_longer", "is_opening", "shares_opening", "has_other_names"),
)
#: Style of words and of numbers in passages that only A has, and only B has; signs where there are no colours.
_CHANGES: Final = (("red strike", "bold white on red", "[-", "-]"), ("green", "bold black on green", "{+", "+}"))


@click.command(epilog="Example: stream explain old.txt new.html, or: stream explain feed.jsonl:12 feed.jsonl#b7")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B", required=False)
@click.option("--full", is_flag=True, help="Show long passages whole.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def explain(first: str, second: str | None, full: bool, as_json: bool) -> None:
    """Explain the verdict on B where A came before it, and show what differs.

    A and B are .txt, .html or .json files, FILE.jsonl:LINE, FILE.jsonl#ID, or - for one from standard input. Lines
    that stream process wrote do too. Alone, A is a row of labelled pairs: PAIRS.jsonl:LINE. Only these two articles
    are compared, and however far apart they were fetched.

    In the differences, [-red-] stands in A only and {+green+} in B only; what both have is shown as A has it.

    Exit codes: 0 linked, 1 new (not linked), 2 wrong usage, 66 unreadable input.
    """
    found = _explained(*_events(first, second))
    alignment = align(found.first.text, found.second.text)
    if as_json:
        click.echo(orjson.dumps(_as_json(found, alignment)))
    else:
        _show(console(), found, alignment, full=full)
    sys.exit(0 if found.is_linked else 1)


def _events(first: str, second: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if second is not None:
        if first == second == STDIN:
            raise click.UsageError("only one of A and B can be standard input")
        return article(first), article(second)
    value, number = row(first)
    try:
        pair = read_pair(value, first, number=number)
    except RowError as error:
        raise click.UsageError(str(error)) from None
    return pair.first, pair.second


def _explained(first: dict[str, Any], second: dict[str, Any]) -> Explanation:
    try:
        return explained(first, second)
    except Rejected as error:
        raise click.UsageError(f"{error.code}: {error.message}") from None


def _show(out: Console, found: Explanation, alignment: Alignment, *, full: bool) -> None:
    for name, event in zip("AB", (found.first, found.second), strict=True):
        out.print(_heading(name, event), soft_wrap=True)
    verdict = found.second.duplicate
    style = "bold green" if found.is_linked else "bold yellow"
    told = f"B is {verdict.relation}" + (" of A" if found.is_linked else "")
    out.print()
    out.print(Text.assemble((told, style), f": {found.meaning}"), soft_wrap=True)
    out.print(Text(f"rule {verdict.method}, version {VERSION}", style="dim"), soft_wrap=True)
    out.print(_scores(found))
    out.print(_checks(found))
    out.print()
    _show_numbers(out, alignment)
    rtl = found.second.language.direction == "rtl"
    for line in wrapped(diff(alignment, is_plain=not is_coloured(out), full=full), out, width=_width(out), rtl=rtl):
        out.print(line, soft_wrap=True)
    if alignment.is_cut:
        out.print(Text("The texts go on; only their beginnings are shown.", style="dim"))


def _width(out: Console) -> int | None:
    """Lines are broken for a terminal only."""
    return out.width if out.is_terminal else None


def _heading(name: str, event: EnrichedEvent) -> Text:
    language = event.language
    about = f"  {language.tag} ({language.confidence:.0%} sure), {event.content.words} words  "
    return Text.assemble(
        (f"{name}  ", "bold"), phrase(event.id), (about, "dim"), phrase(event.title) if event.title else "no title"
    )


def _scores(found: Explanation) -> Text:
    scores = found.comparison.scores
    change = scores.change
    parts = {
        "containment": _number(scores.containment),
        "jaccard": _number(scores.jaccard),
        "title similarity": _number(scores.title_similarity),
        "changed words": _number(change.tokens if change else None),
        "numbers changed": _yes(change.numbers if change else None),
        "same source": _yes(scores.same_source),
    }
    return Text("  ").join(Text.assemble((f"{name} ", "dim"), (value, "bold")) for name, value in parts.items())


def _checks(found: Explanation) -> Table:
    reason = found.comparison.reason
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("texts at two addresses are linked with")
    table.add_column("found: " + ("linked" if reason is None else f"not linked, {reason}"))
    for check in found.comparison.checks:
        sign = Text("ok", style="green") if check.is_met else Text("no", style="bold red")
        table.add_row(sign, check.required, Text(check.found))
    return table


def _show_numbers(out: Console, alignment: Alignment) -> None:
    told = False
    for name, numbers, change in zip("AB", alignment.numbers, _CHANGES, strict=True):
        if numbers:
            line = Text.assemble((f"numbers only in {name}: ", "bold"))
            out.print(line + Text(", ").join(Text(number, style=change[1]) for number in numbers), soft_wrap=True)
            told = True
    if told:
        out.print()


def diff(alignment: Alignment, *, is_plain: bool, full: bool) -> Text:
    """Both texts in one, what only one of them has marked by colour, or by signs where ``is_plain``."""
    shown = Text()
    for passage in alignment.passages:
        if passage.is_shared:
            shown.append(_shortened(passage.first, _SHARED_ENDS, full=full))
        else:
            shown.append(_change(passage, is_plain=is_plain, full=full))
    shown.rstrip()
    return shown


def _change(passage: Passage, *, is_plain: bool, full: bool) -> Text:
    parts, space = [], ""
    for words, (style, number_style, start, end) in zip((passage.first, passage.second), _CHANGES, strict=True):
        if words:
            last = words[-1].text
            bare = last.rstrip()
            text = _shortened(
                [*words[:-1], words[-1]._replace(text=bare)],
                _CHANGED_ENDS,
                full=full,
                style=style,
                number_style=number_style,
            )
            parts.append(Text.assemble(start, text, end) if is_plain else text)
            space = last[len(bare) :]
    return Text(" ").join(parts).append(space)


def _shortened(words: Sequence[Word], ends: int, *, full: bool, style: str = "", number_style: str = "") -> Text:
    left_out = len(words) - 2 * ends
    if full or left_out < ends:
        return _styled(words, style, number_style)
    note = Text(f"… ({left_out} more words) … ", style="dim")
    return Text.assemble(_styled(words[:ends], style, number_style), note, _styled(words[-ends:], style, number_style))


def _styled(words: Sequence[Word], style: str, number_style: str) -> Text:
    return Text.assemble(*((word.text, number_style if word.is_number else style) for word in words))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[value]


def _as_json(found: Explanation, alignment: Alignment) -> dict[str, Any]:
    compared = found.comparison
    numbers = dict(zip(("only_a", "only_b"), alignment.numbers, strict=True))
    return {
        "is_linked": found.is_linked,
        "relation": found.second.duplicate.relation,
        "method": found.second.duplicate.method,
        "meaning": found.meaning,
        "version": VERSION,
        "a": _article_json(found.first),
        "b": _article_json(found.second),
        "scores": {
            name: value
            for name, value in msgspec.to_builtins(compared.scores).items()
            if name in ("jaccard", "containment", "title_similarity", "change", "same_source")
        },
        "by_text": {
            "reason": compared.reason,
            "checks": [check._asdict() for check in compared.checks],
            "likeness": {name: getattr(compared.likeness, name) for name in _FIGURES},
        },
        "numbers": numbers,
        "passages": list(_passages_json(alignment)),
        "is_cut": alignment.is_cut,
    }


def _article_json(event: EnrichedEvent) -> dict[str, Any]:
    return {"id": event.id, "title": event.title, "text": event.text, "language": msgspec.to_builtins(event.language)}


def _passages_json(alignment: Alignment) -> Iterator[dict[str, Any]]:
    for is_shared, *sides in alignment.passages:
        first, second = ("".join(word.text for word in words) for words in sides)
        yield {"is_shared": is_shared, "a": first, "b": second}
