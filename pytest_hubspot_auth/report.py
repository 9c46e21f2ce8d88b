"""What a failed test says about the simulator."""

from __future__ import annotations

from hubspot_simulator.core.printable import wrapped
from hubspot_simulator.core.redaction import shown
from hubspot_simulator.core.words import plural
from hubspot_simulator.simulator import Simulator

from .sections import AUDIT, JOURNAL

_LINES = 100


def journal_section(simulator: Simulator) -> tuple[str, str]:
    """Return the title and the text of a report section: an exchange a line, with its why."""
    exchanges = simulator.journal.exchanges
    idle = [f"{injected!r}" for injected in simulator.faults.injected if injected.shown and not injected.hits]
    lines = [str(exchange) for exchange in exchanges[-_LINES:]]
    if len(exchanges) > _LINES:
        lines.insert(0, f"... the last {_LINES} of {len(exchanges)} exchanges:")
    if simulator.journal.dropped:
        lines.insert(0, f"... {plural(simulator.journal.dropped, 'older exchange')} dropped, to bound the memory")
    return JOURNAL, "\n".join([*(lines or ["no request reached the simulator"]), *idle])


def audit_section(simulator: Simulator) -> tuple[str, str] | None:
    """Return the title and the text of a report section: what the audit found; None when it found nothing."""
    try:
        findings = simulator.audit()
    except Exception as error:  # noqa: BLE001  # the report of the failure is worth more
        return AUDIT, f"the audit failed: {shown(repr(error))} (a bug: please report it)"
    return (AUDIT, "\n\n".join(map(str, findings))) if findings else None


def audit_failure(simulator: Simulator) -> str:
    """Return the failure of a test by the setting ``fail_on``, or nothing."""
    findings = simulator.audit_failures()
    if not findings:
        return ""
    listed = "\n\n".join(map(str, findings))
    count = plural(len(findings), "mistake")
    return wrapped(
        f"the audit of what the code under test asked HubSpot found {count} (fail_on={simulator.settings.fail_on}):\n\n"
        f"{listed}\n\n"
        'If that is what the test is about, @pytest.mark.hubspot(fail_on="off") turns this failure off.'
    )


def unserved(simulator: Simulator, after: int = 0) -> str:
    """Return the failure of a test that called what is not served, or nothing.

    ``after`` is the number of the last exchange that is left out.
    """
    exchanges = [exchange for exchange in simulator.journal.unserved if exchange.number > after]
    if not exchanges:
        return ""
    listed = "\n".join(f"  {exchange}" for exchange in exchanges[:10])
    statuses = " and ".join(sorted({str(exchange.status or "nothing") for exchange in exchanges}))
    return wrapped(
        f"the code under test called what the HubSpot simulator does not serve, and was answered {statuses}:\n"
        f"{listed}\n"
        "If that is what the test is about, @pytest.mark.hubspot(strict=False) turns this failure off."
    )
