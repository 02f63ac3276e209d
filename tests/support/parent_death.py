"""Replaces itself by the command that follows, which the kernel then kills when its parent dies (Linux only)."""

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
    if os.getppid() == int(parent):  # else the parent has died already, and no signal will come
        os.execvp(command[0], command)  # noqa: S606 - the caller's command, no shell
