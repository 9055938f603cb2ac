"""What a process does by the clock for as long as it lives: conversations, requests and numbers are deleted so.

Whatever goes wrong in one round is told in the log, and the next round comes: a sweep that died of one fault would keep
for ever what we promised to delete, and nobody would see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.edge.errors import where


@contextmanager
def tireless(task: str, log: Any) -> Iterator[None]:
    """Tell of what goes wrong inside, and carry on."""
    try:
        yield
    except Exception as error:
        log.error("task failed", task=task, error=type(error).__name__, where=where(error))


def forever(task: str, work: Callable[[], None], seconds: float, log: Any) -> None:
    """Work every so many seconds."""
    while True:
        with tireless(task, log):
            work()
        time.sleep(seconds)
