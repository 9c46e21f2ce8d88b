"""What is said when a child has ended: what it asked, what it was answered, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.simulator import Simulator
from ..core.words import plural


def report(simulator: Simulator, notes: Mapping[int, Sequence[str]], refused: Mapping[str, int]) -> str:
    """Return the report of a simulator's journal, and what its audit found.

    ``notes`` come after the exchanges of their numbers. ``refused`` are the hosts that the child wanted to reach and
    was not let, with how often.
    """
    exchanges = simulator.journal.exchanges
    lines = ["", "What HubSpot was asked, and what it answered:", *_noted(notes, 0)]
    for exchange in exchanges:
        lines += [f"  {exchange}", *_noted(notes, exchange.number)]
    if simulator.journal.dropped:
        lines.insert(2, f"  ({plural(simulator.journal.dropped, 'older request')} dropped, to bound the memory)")
    if not exchanges:
        lines += ["  nothing: no request came (docs/run.md says how each language is reached)"]
    for host, times in refused.items():
        lines.append(f"  not let out: {host}, {plural(times, 'time')}; allow it with --allow {host.rpartition(':')[0]}")
    count = simulator.store.exchange_count
    bad = sum(exchange.status >= 400 for exchange in exchanges)
    lines.append(f"{plural(count, 'request')}, {bad} refused")
    for finding in simulator.audit():
        lines += ["", *str(finding).splitlines()]
    return "\n".join(lines) + "\n"


def _noted(notes: Mapping[int, Sequence[str]], number: int) -> list[str]:
    return [f"  -- {note}" for note in notes.get(number, ())]
