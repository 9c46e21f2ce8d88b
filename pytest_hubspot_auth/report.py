"""What a failed test says about the simulator."""

from __future__ import annotations

from hubspot_simulator.core.simulator import Simulator

_LINES = 100


def journal_section(simulator: Simulator) -> tuple[str, str]:
    """Return the title and the text of a report section: an exchange a line, with its why."""
    exchanges = simulator.journal.exchanges
    lines = [str(exchange) for exchange in exchanges[-_LINES:]]
    if len(exchanges) > _LINES:
        lines.insert(0, f"... the last {_LINES} of {len(exchanges)} exchanges:")
    return "HubSpot simulator", "\n".join(lines or ["no request reached the simulator"])


def unserved(simulator: Simulator) -> str:
    """Return the failure of a test that called what is not served, or nothing."""
    exchanges = simulator.journal.unserved
    if not exchanges:
        return ""
    listed = "\n".join(f"  {exchange}" for exchange in exchanges[:10])
    return (
        "the code under test called what the HubSpot simulator does not serve, and was answered 404:\n"
        f"{listed}\n"
        "If that is what the test is about, @pytest.mark.hubspot(strict=False) turns this failure off."
    )
