"""The JSON document that ``run``, ``reproduce`` and ``sweep`` write (docs/run.md, "As JSON")."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.exchange import Exchange
from ..core.instants import iso_instant
from ..core.redaction import shown, shown_url
from ..lab.audit import Finding
from ..simulator import Simulator

VERSION = 1


def json_option(command: argparse.ArgumentParser) -> None:
    """Add the option ``--json FILE``."""
    command.add_argument("--json", type=_file, metavar="FILE", help="also write the results to a JSON file")


def _file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file in an existing folder")
    return path


def common_fields(command: str, program: Sequence[str], passed: bool) -> dict[str, Any]:
    """Return the fields that every document has."""
    return {
        "version": VERSION,
        "command": command,
        "program": [shown(argument) for argument in program],
        "outcome": "passed" if passed else "failed",
    }


def run_fields(
    simulator: Simulator,
    notes: Mapping[int, Sequence[str]],
    refused: Mapping[str, int],
    without_request: Mapping[tuple[str, str], int],
) -> dict[str, Any]:
    """Return the fields of one run. The parameters are those of ``runner.report.report``."""
    exchanges = simulator.journal.exchanges
    return {
        "totals": {
            "requests": simulator.store.exchange_count,
            "refused": sum(exchange.status >= 400 for exchange in exchanges),
        },
        "clock_moves": [{"after": number, "said": note} for number in sorted(notes) for note in notes[number]],
        "exchanges": [_exchange(exchange) for exchange in exchanges],
        "findings": [finding_fields(finding) for finding in simulator.audit()],
        "not_let_out": {shown(host): times for host, times in refused.items()},
        "connections_without_a_request": [
            {"host": shown(host), "said": reason, "times": times}
            for (host, reason), times in sorted(without_request.items())
        ],
    }


def finding_fields(finding: Finding) -> dict[str, Any]:
    """Return the fields of a finding, with the numbers of its exchanges."""
    return {
        "id": finding.id,
        "severity": finding.severity,
        "problem": shown(finding.problem),
        "remedy": finding.remedy,
        "explain": finding.explain,
        "exchanges": [exchange.number for exchange in finding.exchanges],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "at": iso_instant(exchange.at_ms),
        "method": shown(exchange.method, 20),
        "target": shown_url(exchange.path, exchange.query),
        "status": exchange.status or None,
        "why": shown(exchange.why),
        "faults": list(exchange.faults),
    }


def write(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a document. Raises OSError."""
    path.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
