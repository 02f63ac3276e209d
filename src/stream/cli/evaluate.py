"""``stream evaluate``: how often the decisions agree with labelled pairs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import console, is_rtl_text, phrase, wrap_lines
from stream.cli.input_files import expand_paths, read_lines
from stream.core.contracts.events import RELATIONS, EnrichedEvent
from stream.evaluation.explanation import Comparison, compare
from stream.evaluation.labelled_pairs import Pair, RowError, read_pair
from stream.evaluation.scoring import CROSS, MISTAKES, DecidedPair, Scores, decide_in_one_index, decide_pairs
from stream.evaluation.word_diff import align
from stream.settings import load_settings

#: At most this many bad rows are listed.
_BAD_ROWS_SHOWN: Final = 10
#: Lines of each text in the list of errors.
_TEXT_LINES: Final = 8
_TITLE_LINES: Final = 2
#: Columns between two texts side by side, and the fewest that a text gets.
_GUTTER: Final = 3
_TEXT_COLUMNS_MIN: Final = 20


@dataclass
class _File:
    """A file of pairs, their scores, and the wrong decisions."""

    path: str
    pairs: list[Pair]
    scores: Scores = field(default_factory=Scores)
    mistakes: list[DecidedPair] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Error:
    """A wrong decision, the two articles that it is about, and how they compare."""

    decided: DecidedPair
    first: EnrichedEvent
    second: EnrichedEvent
    comparison: Comparison

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key for the worst first: by kind of mistake, then by similarity."""
        mistake = self.decided.mistake
        return (MISTAKES.index(mistake) if mistake else len(MISTAKES)), -self.comparison.similarity.containment


@click.command(epilog="Example: stream evaluate pairs.jsonl --min-f1 0.95")
@click.argument("files", nargs=-1, required=True, metavar="PAIRS.jsonl...")
@click.option(
    "--errors", "errors_shown", type=click.IntRange(min=0), default=5, show_default=True, help="Errors to show."
)
@click.option("--min-f1", type=click.FloatRange(0, 1), help="Exit with 1 if F1 over all files is lower.")
@click.option("--one-index", is_flag=True, help="Put all articles of a file into one index; count links across pairs.")
@click.option("--no-url", is_flag=True, help="Ignore URLs, so that the texts alone decide.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object, for scripts.")
def evaluate(
    files: tuple[str, ...], *, errors_shown: int, min_f1: float | None, one_index: bool, no_url: bool, as_json: bool
) -> None:
    """Measure the decisions on labelled pairs: precision, recall and F1 of links, and the worst errors.

    Each row of the files (JSONL, .gz too, or - for standard input) is one pair, a before b: {"a": {...}, "b": {...}},
    or {"long": ..., "short": ...}, with the fields of raw events. The label is "is_duplicate": 1, 0 or null (left
    out); or "label": "update", 0, or 1 (the same event; left out). "relation" may name the relation that b must
    have. Every relation except new is a link. No duplicate window applies. For details, see
    docs/guides/evaluating-decisions.md.

    Exit codes: 0 done, 1 below --min-f1, 2 wrong usage or bad rows, 66 unreadable input, 78 invalid settings.
    """
    load_settings()  # it has none of its own, but a mistyped one is reported by every command
    results = [_File(path, pairs) for path, pairs in _read_files(files, with_url=not no_url)]
    try:
        for file in results:
            _decide(file, one_index=one_index)
    except RowError as error:
        raise click.UsageError(str(error)) from None
    total = sum((file.scores for file in results), Scores())
    errors = _rank_errors([mistake for file in results for mistake in file.mistakes])
    if as_json:
        report = _report_json(results, total, errors[:errors_shown])
        sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()
    else:
        _show(console(), results, total, errors, errors_shown, one_index=one_index)
    sys.exit(1 if min_f1 is not None and _is_below(total, min_f1) else 0)


def _is_below(total: Scores, min_f1: float) -> bool:
    """Whether F1 is too low. There is no F1 without links and without pairs to be linked; that is fine with labels."""
    return not total.labelled if total.f1 is None else total.f1 < min_f1


def _read_files(files: tuple[str, ...], *, with_url: bool) -> Iterator[tuple[str, list[Pair]]]:
    bad: list[RowError] = []
    for path, _ in expand_paths(files):
        pairs = []
        for row in read_lines(path):
            try:
                pairs.append(read_pair(row.value, f"{path}:{row.line}", number=row.line, with_url=with_url))
            except RowError as error:
                bad.append(error)
        if not bad and not pairs:
            raise click.UsageError(f"{path}: there are no pairs in this file")
        yield path, pairs
    if bad:
        more = f"\nand {len(bad) - _BAD_ROWS_SHOWN} more" if len(bad) > _BAD_ROWS_SHOWN else ""
        raise click.UsageError("\n".join(map(str, bad[:_BAD_ROWS_SHOWN])) + more)


def _decide(file: _File, *, one_index: bool) -> None:
    """Decide the pairs of ``file`` with a progress bar, and add them to its scores."""
    results = track(
        decide_in_one_index(file.pairs) if one_index else decide_pairs(file.pairs),
        file.path,
        total=len(file.pairs),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    for decided in results:
        file.scores.add(decided)
        if decided.mistake:
            file.mistakes.append(decided)


def _rank_errors(mistakes: list[DecidedPair]) -> list[_Error]:
    errors = []
    for decided in mistakes:
        first = decided.other or decided.first
        errors.append(_Error(decided, first, decided.second, compare(first, decided.second)))
    return sorted(errors, key=lambda error: error.rank)


def _show(
    out: Console, files: list[_File], total: Scores, errors: list[_Error], errors_shown: int, *, one_index: bool
) -> None:
    rows = [(file.path, file.scores) for file in files]
    if len(files) > 1:
        rows.append(("all", total))
    for columns in _column_groups(out.width, one_index=one_index):
        out.print(_scores_table(rows, columns))
        out.print()
    out.print(_confusion_table(total))
    for error in errors[:errors_shown]:
        out.print()
        _show_error(out, error)
    if errors:
        out.print()
        count = min(errors_shown, len(errors))
        out.print(
            f"{count} of {len(errors)} errors shown; for details of one, run: stream explain FILE:LINE", soft_wrap=True
        )


def _format_share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _format_relations(scores: Scores) -> str:
    return f"{scores.relations_right} of {scores.relations_named}" if scores.relations_named else "-"


_COLUMNS: Final[dict[str, Callable[[Scores], object]]] = {
    "pairs": lambda scores: scores.pairs,
    "left out": lambda scores: scores.left_out,
    "precision": lambda scores: _format_share(scores.precision),
    "recall": lambda scores: _format_share(scores.recall),
    "F1": lambda scores: _format_share(scores.f1),
    "false links": lambda scores: scores.false_links,
    "missed": lambda scores: scores.missed,
    "relation right": _format_relations,
}
_ONE_INDEX_COLUMNS: Final[dict[str, Callable[[Scores], object]]] = {
    "cross links": lambda scores: scores.cross_links,
    "links of a to a": lambda scores: scores.first_links,
}
#: From this width on, all columns are in one table.
_WIDE: Final = 110


def _column_groups(width: int, *, one_index: bool) -> list[Mapping[str, Callable[[Scores], object]]]:
    """The columns of each table of scores, so that no heading is cut."""
    if not one_index:
        return [_COLUMNS]
    return [_COLUMNS | _ONE_INDEX_COLUMNS] if width >= _WIDE else [_COLUMNS, _ONE_INDEX_COLUMNS]


def _scores_table(rows: list[tuple[str, Scores]], columns: Mapping[str, Callable[[Scores], object]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    for name in columns:
        # A narrow terminal breaks headings between words only.
        table.add_column(name, justify="right", no_wrap=" " not in name)
    for path, scores in rows:
        table.add_row(path, *(str(value(scores)) for value in columns.values()))
    return table


def _confusion_table(scores: Scores) -> Table:
    decisions = [name for name in (*RELATIONS, CROSS) if any(name in counts for counts in scores.confusion.values())]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expected")
    for name in decisions:
        table.add_column(name, justify="right")
    for expected in sorted(scores.confusion):
        counts = scores.confusion[expected]
        table.add_row(expected, *(str(counts[name]) if counts[name] else "." for name in decisions))
    return table


def _show_error(out: Console, error: _Error) -> None:
    decided, comparison = error.decided, error.comparison
    heading = Text.assemble(
        (f"{decided.pair.location}  {decided.mistake}", "bold red"),
        f"  expected {decided.pair.expected}, got {decided.decision} ({decided.second.duplicate.method})",
    )
    out.print(heading, soft_wrap=True)
    scores = (
        f"containment {comparison.similarity.containment:.0%}, Jaccard {comparison.scores.jaccard:.2f};"
        f" by their texts alone: {comparison.reason or 'similar-text'}"
    )
    out.print(Text(scores, style="dim"), soft_wrap=True)
    width = max(_TEXT_COLUMNS_MIN, (out.width - _GUTTER) // 2)
    table = Table.grid(padding=(0, _GUTTER, 0, 0))
    for _ in "ab":
        table.add_column(width=width, no_wrap=True)
    for left, right in zip_longest(*_columns(error, out, width), fillvalue=Text()):
        table.add_row(left, right)
    out.print(table, crop=False)


def _columns(error: _Error, out: Console, width: int) -> Iterator[list[Text]]:
    """Yield the lines of both articles' beginnings, with what only one of them has in colour."""
    passages = align(error.first.text, error.second.text).passages
    first_words = [(word.text, passage.is_shared) for passage in passages for word in passage.first]
    second_words = [(word.text, passage.is_shared) for passage in passages for word in passage.second]
    for event, words, style in ((error.first, first_words, "red"), (error.second, second_words, "green")):
        title = event.title or ""
        head = [
            phrase(event.id),
            *_wrap(Text(title, style="bold"), out, width, is_rtl=is_rtl_text(title))[:_TITLE_LINES],
        ]
        text = Text.assemble(*((word, "" if is_shared else style) for word, is_shared in words))
        yield head + _wrap(text, out, width, is_rtl=event.language.direction == "rtl")[:_TEXT_LINES]


def _wrap(text: Text, out: Console, width: int, *, is_rtl: bool) -> list[Text]:
    return wrap_lines(text, out, width=width, is_rtl=is_rtl, is_beside=True) if text else []


def _report_json(files: list[_File], total: Scores, errors: list[_Error]) -> dict[str, Any]:
    return {
        "files": [{"file": file.path, **_scores_json(file.scores)} for file in files],
        "all": _scores_json(total),
        "errors": [_error_json(error) for error in errors],
    }


def _scores_json(scores: Scores) -> dict[str, Any]:
    """Every count, the shares (null for zero divided by zero), and expected -> decision -> count."""
    shares = {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
    counts = {name: value for name, value in vars(scores).items() if name != "confusion"}
    confusion = {expected: dict(decisions) for expected, decisions in sorted(scores.confusion.items())}
    return {**counts, **shares, "confusion": confusion}


def _error_json(error: _Error) -> dict[str, Any]:
    decided, comparison = error.decided, error.comparison
    return {
        "place": decided.pair.location,
        "mistake": decided.mistake,
        "expected": decided.pair.expected,
        "found": decided.decision,
        "method": decided.second.duplicate.method,
        "a": {"id": error.first.id, "title": error.first.title},
        "b": {"id": error.second.id, "title": error.second.title},
        "by_text": {
            "reason": comparison.reason,
            "jaccard": comparison.scores.jaccard,
            "containment": comparison.scores.containment,
            "title_similarity": comparison.scores.title_similarity,
        },
    }
