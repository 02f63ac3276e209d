"""``stream evaluate``: how often the decisions agree with labelled pairs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from stream.cli.article_arguments import numbered_lines
from stream.cli.bidi import console, is_rtl, phrase, wrapped
from stream.cli.input_files import expand_paths
from stream.core.contracts.events import RELATIONS, EnrichedEvent
from stream.evaluation.explanation import Comparison, compare
from stream.evaluation.labelled_pairs import Pair, RowError, read_pair
from stream.evaluation.scoring import CROSS, MISTAKES, Judged, Scores, evaluate_together
from stream.evaluation.scoring import evaluate as judged
from stream.evaluation.word_diff import align

#: Of many bad rows, so many are told.
_BAD_ROWS_SHOWN: Final = 10
#: Lines of a text in the list of errors.
_LINES: Final = 8
#: Between two texts side by side.
_GUTTER: Final = 3


@dataclass
class _File:
    """A file of pairs, and what became of them."""

    path: str
    pairs: list[Pair]
    scores: Scores = field(default_factory=Scores)
    mistakes: list[Judged] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Error:
    """A wrong decision, with the two texts it is about, and how they compare."""

    judged: Judged
    first: EnrichedEvent
    second: EnrichedEvent
    compared: Comparison

    @property
    def rank(self) -> tuple[int, float]:
        """The worst first: by kind of mistake, then those that are most alike."""
        mistake = self.judged.mistake
        return (MISTAKES.index(mistake) if mistake else len(MISTAKES)), -self.compared.likeness.containment


@click.command(epilog="Example: stream evaluate pairs.jsonl --min-f1 0.95")
@click.argument("files", nargs=-1, required=True, metavar="PAIRS.jsonl...")
@click.option("--errors", "shown", type=click.IntRange(min=0), default=5, show_default=True, help="Errors to show.")
@click.option("--min-f1", type=click.FloatRange(0, 1), help="Exit with 1 when F1 of all files is below.")
@click.option("--one-index", is_flag=True, help="All articles of a file in one index; count the links across pairs.")
@click.option("--no-url", is_flag=True, help="Leave addresses away, so that the texts alone decide.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def evaluate(
    files: tuple[str, ...], *, shown: int, min_f1: float | None, one_index: bool, no_url: bool, as_json: bool
) -> None:
    """Measure the decisions on labelled pairs: precision, recall and F1 of links, and the worst errors.

    Each row of the files (JSONL, .gz too, or - for standard input) is one pair, a then b: {"a": {...}, "b": {...}},
    or {"long": ..., "short": ...}, with the fields of raw events. The label is "is_duplicate": 1, 0 or null (left
    out); or "label": "update", 0, or 1 (the same event; left out). "relation" may name the relation that b must
    have. Every relation but new is a link. No window applies. More in docs/guides/evaluating-decisions.md.

    Exit codes: 0 done, 1 below --min-f1, 2 wrong usage or bad rows, 66 unreadable input.
    """
    evaluated = [_File(path, list(pairs)) for path, pairs in _read(files, with_url=not no_url)]
    try:
        for file in evaluated:
            _judge(file, one_index=one_index)
    except RowError as error:
        raise click.UsageError(str(error)) from None
    total = sum((file.scores for file in evaluated), Scores())
    errors = _worst([judged for file in evaluated for judged in file.mistakes])
    if as_json:
        sys.stdout.buffer.write(
            orjson.dumps(_as_json(evaluated, total, errors[:shown]), option=orjson.OPT_APPEND_NEWLINE)
        )
        sys.stdout.flush()
    else:
        _show(console(), evaluated, total, errors, shown, one_index=one_index)
    sys.exit(1 if min_f1 is not None and _is_below(total, min_f1) else 0)


def _is_below(total: Scores, min_f1: float) -> bool:
    """Where nothing was to be linked and nothing was, F1 is none, and nothing is wrong; unless nothing was judged."""
    return not total.judged if total.f1 is None else total.f1 < min_f1


def _read(files: tuple[str, ...], *, with_url: bool) -> Iterator[tuple[str, list[Pair]]]:
    bad: list[RowError] = []
    for path in expand_paths(files):
        pairs = []
        for number, line in numbered_lines(path):
            try:
                pairs.append(read_pair(line, f"{path}:{number}", number=number, with_url=with_url))
            except RowError as error:
                bad.append(error)
        if not bad and not pairs:
            raise click.UsageError(f"{path}: no pairs in it")
        yield path, pairs
    if bad:
        more = f"\nand {len(bad) - _BAD_ROWS_SHOWN} more" if len(bad) > _BAD_ROWS_SHOWN else ""
        raise click.UsageError("\n".join(map(str, bad[:_BAD_ROWS_SHOWN])) + more)


def _judge(file: _File, *, one_index: bool) -> None:
    results = evaluate_together(file.pairs) if one_index else judged(file.pairs)
    watched = track(
        results,
        file.path,
        total=len(file.pairs),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    for result in watched:
        file.scores.add(result)
        if result.mistake:
            file.mistakes.append(result)


def _worst(mistakes: list[Judged]) -> list[_Error]:
    errors = []
    for wrong in mistakes:
        first = wrong.other or wrong.first
        errors.append(_Error(wrong, first, wrong.second, compare(first, wrong.second)))
    return sorted(errors, key=lambda error: error.rank)


def _show(
    out: Console, files: list[_File], total: Scores, errors: list[_Error], shown: int, *, one_index: bool
) -> None:
    rows = [(file.path, file.scores) for file in files]
    if len(files) > 1:
        rows.append(("all", total))
    out.print(_scores(rows, one_index=one_index))
    out.print()
    out.print(_confusion(total))
    for error in errors[:shown]:
        out.print()
        _show_error(out, error)
    if errors:
        out.print()
        out.print(f"{min(shown, len(errors))} of {len(errors)} errors shown; stream explain FILE:LINE says more")


def _scores(rows: list[tuple[str, Scores]], *, one_index: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    names = ["pairs", "left out", "precision", "recall", "F1", "false links", "missed", "relation right"]
    if one_index:
        names += ["cross links", "links of a to a"]
    for name in names:
        table.add_column(name, justify="right")
    for path, scores in rows:
        relation = f"{scores.relations_right} of {scores.relations_named}" if scores.relations_named else "-"
        values = [scores.pairs, scores.left_out, *map(_share, (scores.precision, scores.recall, scores.f1))]
        values += [scores.false_links, scores.missed, relation]
        if one_index:
            values += [scores.cross_links, scores.first_links]
        table.add_row(path, *map(str, values))
    return table


def _confusion(scores: Scores) -> Table:
    found = [name for name in (*RELATIONS, CROSS) if any(name in counts for counts in scores.confusion.values())]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expected")
    for name in found:
        table.add_column(name, justify="right")
    for expected in sorted(scores.confusion):
        counts = scores.confusion[expected]
        table.add_row(expected, *(str(counts[name]) if counts[name] else "." for name in found))
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _show_error(out: Console, error: _Error) -> None:
    judged, likeness = error.judged, error.compared.likeness
    told = Text.assemble(
        (f"{judged.pair.place}  {judged.mistake}", "bold red"),
        f"  expected {judged.pair.expected}, found {judged.found} ({judged.second.duplicate.method})",
    )
    out.print(told, soft_wrap=True)
    reason = error.compared.reason or "similar-text"
    scores = error.compared.scores
    measures = f"contains {likeness.containment:.0%}, Jaccard {scores.jaccard:.2f}; the texts alone: {reason}"
    out.print(Text(measures, style="dim"), soft_wrap=True)
    width = max(20, (out.width - _GUTTER) // 2)
    table = Table.grid(padding=(0, _GUTTER, 0, 0))
    for _ in "ab":
        table.add_column(width=width, no_wrap=True)
    for left, right in zip_longest(*_columns(error, out, width), fillvalue=Text()):
        table.add_row(left, right)
    out.print(table, crop=False)


def _columns(error: _Error, out: Console, width: int) -> Iterator[list[Text]]:
    """The beginnings of both articles, with what only one of them has in colour."""
    passages = align(error.first.text, error.second.text).passages
    firsts = [(word.text, passage.is_shared) for passage in passages for word in passage.first]
    seconds = [(word.text, passage.is_shared) for passage in passages for word in passage.second]
    for event, words, style in ((error.first, firsts, "red"), (error.second, seconds, "green")):
        rtl = event.language.direction == "rtl"
        title = event.title or ""
        head = [phrase(event.id), *_lines(Text(title, style="bold"), out, width, rtl=is_rtl(title))[:2]]
        text = Text.assemble(*((word, "" if is_shared else style) for word, is_shared in words))
        yield head + _lines(text, out, width, rtl=rtl)[:_LINES]


def _lines(text: Text, out: Console, width: int, *, rtl: bool) -> list[Text]:
    return wrapped(text, out, width=width, rtl=rtl, beside=True) if text else []


def _as_json(files: list[_File], total: Scores, errors: list[_Error]) -> dict[str, Any]:
    return {
        "files": [{"file": file.path, **_scores_json(file.scores)} for file in files],
        "all": _scores_json(total),
        "errors": [_error_json(error) for error in errors],
    }


def _scores_json(scores: Scores) -> dict[str, Any]:
    """Every count, the shares (null where they are nothing divided by nothing), and expected -> found -> count."""
    shares = {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
    counts = {name: value for name, value in vars(scores).items() if name != "confusion"}
    return {**counts, **shares, "confusion": {name: dict(found) for name, found in sorted(scores.confusion.items())}}


def _error_json(error: _Error) -> dict[str, Any]:
    judged, compared = error.judged, error.compared
    return {
        "place": judged.pair.place,
        "mistake": judged.mistake,
        "expected": judged.pair.expected,
        "found": judged.found,
        "method": judged.second.duplicate.method,
        "a": {"id": error.first.id, "title": error.first.title},
        "b": {"id": error.second.id, "title": error.second.title},
        "by_text": {
            "reason": compared.reason,
            "jaccard": compared.scores.jaccard,
            "containment": compared.scores.containment,
            "title_similarity": compared.scores.title_similarity,
        },
    }
