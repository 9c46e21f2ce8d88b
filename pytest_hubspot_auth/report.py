"""Writes what a failed test reports about the simulator."""

from __future__ import annotations

from hubspot_simulator.core.printable import wrapped
from hubspot_simulator.core.redaction import shown
from hubspot_simulator.core.words import plural
from hubspot_simulator.simulator import Simulator

from .sections import AUDIT, JOURNAL

_LINES = 100


def journal_section(simulator: Simulator) -> tuple[str, str]:
    """Return the title and text of a report section: one exchange per line, with the reason for its response."""
    exchanges = simulator.journal.exchanges
    idle = [f"{injected!r}" for injected in simulator.faults.injected if injected.shown and not injected.hits]
    lines = [str(exchange) for exchange in exchanges[-_LINES:]]
    if len(exchanges) > _LINES:
        lines.insert(0, f"... the last {_LINES} of {len(exchanges)} exchanges:")
    if simulator.journal.dropped:
        lines.insert(0, f"... {plural(simulator.journal.dropped, 'older exchange')} dropped to save memory")
    return JOURNAL, "\n".join([*(lines or ["no request reached the simulator"]), *idle])


def audit_section(simulator: Simulator) -> tuple[str, str] | None:
    """Return the title and text of a report section with the audit's findings; None if there are none."""
    try:
        findings = simulator.audit()
    except Exception as error:  # noqa: BLE001  # the test's own failure must still be reported
        return AUDIT, f"the audit failed: {shown(repr(error))} (a bug: please report it)"
    return (AUDIT, "\n\n".join(map(str, findings))) if findings else None


def audit_failure(simulator: Simulator) -> str:
    """Return the message that fails a test by the setting ``fail_on``, or an empty text."""
    findings = simulator.audit_failures()
    if not findings:
        return ""
    finding_texts = "\n\n".join(map(str, findings))
    count = plural(len(findings), "mistake")
    return wrapped(
        f"the audit of the requests to HubSpot found {count} (fail_on={simulator.settings.fail_on}):\n\n"
        f"{finding_texts}\n\n"
        'If the test expects this, turn the failure off with @pytest.mark.hubspot(fail_on="off").'
    )


def unserved(simulator: Simulator, after: int = 0) -> str:
    """Return the message that fails a test which called endpoints that are not served, or an empty text.

    Only exchanges with a number above ``after`` count.
    """
    exchanges = [exchange for exchange in simulator.journal.unserved if exchange.number > after]
    if not exchanges:
        return ""
    exchange_lines = "\n".join(f"  {exchange}" for exchange in exchanges[:10])
    statuses = " and ".join(sorted({str(exchange.status or "no response") for exchange in exchanges}))
    return wrapped(
        f"the code under test called endpoints that the HubSpot simulator does not serve, and got {statuses}:\n"
        f"{exchange_lines}\n"
        "If the test expects this, turn the failure off with @pytest.mark.hubspot(strict=False)."
    )
