"""The arithmetic of the bench: percentiles, and whether an aim is met. Knows nothing of Vejviser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed (nearest rank); nan of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return n, and p50, p95, p99 and the slowest in milliseconds, to a tenth."""
    found = {f"p{share}": percentile(milliseconds, share / 100) for share in (50, 95, 99)}
    found["max"] = max(milliseconds, default=math.nan)
    return {"n": len(milliseconds), **{name: round(value, 1) for name, value in found.items()}}


@dataclass(frozen=True)
class Aim:
    """A figure beside what it should reach: at most `aim`, or at least when `at_least`."""

    name: str
    value: float
    aim: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is reached; what could not be measured is not."""
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    def to_json(self) -> dict[str, object]:
        """Return it with its verdict."""
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "aim": f"{'at least' if self.at_least else 'at most'} {self.aim:g}",
            "met": self.met,
        }
