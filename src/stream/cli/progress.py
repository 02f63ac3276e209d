"""Progress while files are read, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from stream.cli.input_files import STDIN, RawMessage

Watched = Callable[[Iterable[RawMessage]], Iterator[RawMessage]]


@contextlib.contextmanager
def reading(paths: Sequence[str], *, quiet: bool) -> Iterator[Watched]:
    """A function that passes messages on and shows how much of ``paths`` has been read."""
    if quiet or not sys.stderr.isatty():
        yield iter
        return
    sizes = {path: 0 if path == STDIN else Path(path).stat().st_size for path in paths}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("0 messages", total=sum(sizes.values()) or None)

        def watched(messages: Iterable[RawMessage]) -> Iterator[RawMessage]:
            finished, path = 0, None
            for count, message in enumerate(messages, 1):
                if message.path != path:
                    finished += sizes.get(path or STDIN, 0)
                    path = message.path
                if count % 100 == 0:
                    progress.update(task, completed=finished + message.read, description=f"{count} messages")
                yield message

        yield watched
