"""Faults: what can be injected into the traffic, by name."""

from __future__ import annotations

from .catalogue import Faults

__all__ = ["Faults"]
