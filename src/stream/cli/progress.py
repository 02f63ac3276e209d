"""A progress bar while files are read, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from stream.cli.input_files import STDIN, InputFile, RawMessage

Track = Callable[[Iterable[RawMessage]], Iterator[RawMessage]]
_MESSAGES_PER_UPDATE: Final = 100


@contextlib.contextmanager
def show_progress(files: Sequence[InputFile], *, quiet: bool) -> Iterator[Track]:
    """Show on a terminal how much of ``files`` has been read.

    Yields:
        A function that passes on the messages given to it and counts them.
    """
    if quiet or not sys.stderr.isatty():
        yield iter
        return
    # rich takes a tenth of a second to import, and is not needed in pipes.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.progress import (  # noqa: PLC0415 - see above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    sizes = {path: 0 if path == STDIN else Path(path).stat().st_size for path, _ in files}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("0 messages", total=sum(sizes.values()) or None)

        def track(messages: Iterable[RawMessage]) -> Iterator[RawMessage]:
            finished, path = 0, None
            for count, message in enumerate(messages, 1):
                if message.path != path:
                    finished += sizes.get(path or STDIN, 0)
                    path = message.path
                if count % _MESSAGES_PER_UPDATE == 0:
                    progress.update(task, completed=finished + message.bytes_read, description=f"{count} messages")
                yield message

        yield track
