"""Logging as it was before a test."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def kept_logging() -> Iterator[None]:
    """Put back what `configure_logging` changes."""
    root = logging.getLogger()
    handlers, hooks = list(root.handlers), (warnings.showwarning, sys.excepthook, threading.excepthook)
    loggers = [root, *(found for found in list(root.manager.loggerDict.values()) if isinstance(found, logging.Logger))]
    levels = {logger: logger.level for logger in loggers}
    try:
        # Handlers that are replaced are closed.
        root.handlers.clear()
        yield
    finally:
        root.handlers[:] = handlers
        warnings.showwarning, sys.excepthook, threading.excepthook = hooks
        for logger in [found for found in root.manager.loggerDict.values() if isinstance(found, logging.Logger)]:
            logger.setLevel(levels.get(logger, logging.NOTSET))
        root.setLevel(levels[root])
