"""The report on a child process: its requests, the responses, and the reasons for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.exchange import Exchange
from ..core.redaction import shown
from ..core.words import plural
from ..http.context import PREFIX
from ..simulator import Simulator
from .connection_hints import connection_hints
from .connections import REJECTED_CERTIFICATE, SENT_NOTHING

_NO_CONNECTION = "none: the program did not connect to HubSpot"
_NO_REQUEST = "none, but the program did connect to HubSpot:"
_HOW = "hubspot-simulator explain languages"


def report(
    simulator: Simulator,
    notes: Mapping[int, Sequence[str]],
    blocked: Mapping[str, int],
    without_request: Mapping[tuple[str, str], int],
    command: Sequence[str] = (),
) -> str:
    """Return the report: a simulator's journal and the findings of its audit.

    ``notes`` are inserted after the exchanges with their numbers. ``blocked`` counts the connections to other hosts
    that the proxy blocked, ``without_request`` the connections to HubSpot that brought no request, by host and reason.
    ``command`` is the program and its arguments.
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
    if not exchanges and without_request:
        lines.append(f"  {_NO_REQUEST}")
    elif not exchanges:
        lines.append(f"  {_NO_CONNECTION} ({_HOW})")
        lines += [f"  {hint}" for hint in connection_hints(command)]
    lines += [f"  {_connection(*key, times)}" for key, times in sorted(without_request.items())]
    for address, times in blocked.items():
        host = shown(address)  # may hold control characters
        lines.append(f"  blocked: {host}, {plural(times, 'time')}; allow it with --allow {host.rpartition(':')[0]}")
    count = simulator.store.exchange_count - len(own)
    refused = sum(exchange.status >= 400 for exchange in exchanges)
    lines.append(f"{plural(count, 'request')}, {refused} refused")
    if own:
        lines += ["", "Requests to the simulator's own control API, which HubSpot does not have:"]
    for exchange in own:
        lines += [f"  {exchange}", *_noted(notes, exchange.number)]
    for finding in simulator.audit():
        lines += ["", *str(finding).splitlines()]
    return "\n".join(lines) + "\n"


def _connection(host: str, reason: str, times: int) -> str:
    line = f"{shown(host)}: {plural(times, 'connection')} {reason}"
    if reason.startswith(REJECTED_CERTIFICATE):
        return f"{line}. Fix: make the program trust the certificates in the file that SSL_CERT_FILE names ({_HOW})"
    if reason == SENT_NOTHING:
        return f"{line}. Node and other clients do this when they do not trust the certificate"
    return line


def _noted(notes: Mapping[int, Sequence[str]], number: int) -> list[str]:
    return [f"  -- {note}" for note in notes.get(number, ())]
