"""A circuit breaker: who has been silent several times in a row is left alone, and asked again every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3
PAUSE_SECONDS = 3.0


class Breaker:
    """Counts failures in a row. Open means: do not ask; now and then one probe is let through."""

    def __init__(
        self,
        failures: int = FAILURES,
        pause_seconds: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._pause, self._clock = failures, pause_seconds, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """Whether only probes go through."""
        return self._failures >= self._limit

    def allows(self) -> bool:
        """Return whether to ask now. While open, the first to ask after each pause is the probe."""
        with self._lock:
            if not self.is_open:
                return True
            now = self._clock()
            if now < self._next_probe:
                return False
            self._next_probe = now + self._pause  # a probe that never comes back does not hold the next one up
            return True

    def succeeded(self) -> None:
        """Close: it answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Count one failure; the last one needed opens."""
        with self._lock:
            self._failures += 1
            self._next_probe = self._clock() + self._pause
