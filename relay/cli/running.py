"""The `relay serve` that runs on a data_dir, as other commands find it."""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path


def pid_of_serve(data_dir: Path) -> int | None:
    """The process that holds data_dir; None: nobody serves it."""
    try:
        with (data_dir / "serve.lock").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdecimal() else None
    except OSError:
        return None
    return None


def signal_reload(data_dir: Path) -> bool:
    """Ask it to read its settings and keys again; whether anybody was there to ask."""
    pid = pid_of_serve(data_dir)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGHUP)
        return True
    return False
