"""What is said when a child has ended: what it asked, what it was answered, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.exchange import Exchange
from ..core.redaction import shown
from ..core.words import plural
from ..http.context import PREFIX
from ..simulator import Simulator
from .connections import DISTRUSTED, NOTHING
from .unreached import unreached

_NO_CONNECTION = "nothing: no connection to HubSpot came"
_NO_REQUEST = "nothing: no request came"
_HOW = "hubspot-simulator explain languages"


def report(
    simulator: Simulator,
    notes: Mapping[int, Sequence[str]],
    refused: Mapping[str, int],
    fruitless: Mapping[tuple[str, str], int],
    command: Sequence[str] = (),
) -> str:
    """Return the report of a simulator's journal, and what its audit found.

    ``notes`` come after the exchanges of their numbers. ``refused`` are the hosts that the child wanted to reach and
    was not let, with how often; ``fruitless`` those that it reached without a request, and why. ``command`` is what
    was run.
    """
    own: list[Exchange] = []
    exchanges: list[Exchange] = []
    for exchange in simulator.journal.exchanges:
        (own if exchange.path.startswith(PREFIX) else exchanges).append(exchange)
    lines = ["", "Requests to HubSpot and its responses:", *_noted(notes, 0)]
    for exchange in exchanges:
        lines += [f"  {exchange}", *_noted(notes, exchange.number)]
    if simulator.journal.dropped:
        lines.insert(2, f"  ({plural(simulator.journal.dropped, 'older request')} dropped to save memory)")
    if not exchanges and fruitless:
        lines.append(f"  {_NO_REQUEST}, but the program did connect:")
    elif not exchanges:
        lines.append(f"  {_NO_CONNECTION} ({_HOW})")
        lines += [f"  {hint}" for hint in unreached(command)]
    lines += [f"  {_connected(*what, times)}" for what, times in sorted(fruitless.items())]
    for asked, times in refused.items():
        host = shown(asked)  # the child wrote it
        lines.append(f"  not let out: {host}, {plural(times, 'time')}; allow it with --allow {host.rpartition(':')[0]}")
    count = simulator.store.exchange_count - len(own)
    bad = sum(exchange.status >= 400 for exchange in exchanges)
    lines.append(f"{plural(count, 'request')}, {bad} refused")
    if own:
        lines += ["", "Requests to the simulator's own control API, which HubSpot does not have:"]
    for exchange in own:
        lines += [f"  {exchange}", *_noted(notes, exchange.number)]
    for finding in simulator.audit():
        lines += ["", *str(finding).splitlines()]
    return "\n".join(lines) + "\n"


def _connected(host: str, what: str, times: int) -> str:
    said = f"{shown(host)}: {plural(times, 'connection')} {what}"
    if what.startswith(DISTRUSTED):
        return f"{said}. Fix: have the program trust the certificates in the file that SSL_CERT_FILE names ({_HOW})"
    if what == NOTHING:
        return f"{said}. A client that checks the certificate by itself, as Node does, ends so when it distrusts it"
    return said


def _noted(notes: Mapping[int, Sequence[str]], number: int) -> list[str]:
    return [f"  -- {note}" for note in notes.get(number, ())]
