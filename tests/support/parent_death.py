"""Runs the command that follows in this process's place, so that the kernel ends it with its parent (Linux only)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1

if __name__ == "__main__":
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() == int(parent):  # else it has gone already, without a signal
        os.execvp(command[0], command)  # noqa: S606 - the caller's command, no shell
