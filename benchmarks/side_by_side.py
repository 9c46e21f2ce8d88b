"""Times functions in turn, A B C A B C ..., so that a slow moment of the machine hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

Subject = Callable[[], object]


def compare(title: str, subjects: dict[str, Subject], *, calls: int = 200, rounds: int = 15) -> None:
    """Print the median time of a call, and of its ratio to the first subject, round by round."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds + 1):  # the first round warms up
        for name, subject in subjects.items():
            start = perf_counter()
            for _ in range(calls):
                subject()
            times[name].append((perf_counter() - start) / calls)
    base = next(iter(times.values()))[1:]
    print(f"\n{title} ({rounds} rounds of {calls} calls)")
    for name, measured in times.items():
        ratios = [mine / theirs for mine, theirs in zip(measured[1:], base, strict=True)]
        print(
            f"  {name:<58} {statistics.median(measured[1:]) * 1e6:8.0f} µs   ratio {statistics.median(ratios):5.2f}"
            f"   ({min(ratios):.2f} to {max(ratios):.2f})"
        )
