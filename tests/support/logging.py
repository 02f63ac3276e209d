"""Restores logging after a test."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def restored_logging() -> Iterator[None]:
    """Restore what `configure_logging` changes."""
    root = logging.getLogger()
    handlers, hooks = list(root.handlers), (warnings.showwarning, sys.excepthook, threading.excepthook)
    loggers = [root, *(item for item in list(root.manager.loggerDict.values()) if isinstance(item, logging.Logger))]
    levels = {logger: logger.level for logger in loggers}
    try:
        # Handlers that are replaced are closed.
        root.handlers.clear()
        yield
    finally:
        root.handlers[:] = handlers
        warnings.showwarning, sys.excepthook, threading.excepthook = hooks
        for logger in [item for item in root.manager.loggerDict.values() if isinstance(item, logging.Logger)]:
            logger.setLevel(levels.get(logger, logging.NOTSET))
        root.setLevel(levels[root])
