"""CRM objects as they are stored."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """A CRM object as it is at some moment: a change makes another one of it.

    Times are epoch milliseconds; property values are text, or None when cleared.
    """

    id: int
    properties: dict[str, str | None]
    created_at_ms: int
    updated_at_ms: int
    archived_at_ms: int | None = None

    @property
    def archived(self) -> bool:
        """Whether it was archived."""
        return self.archived_at_ms is not None


@dataclass
class Records:
    """The CRM objects of one type in one portal. ``ids`` ascends; ``unique`` maps a property's value to an id."""

    by_id: dict[int, Record] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    unique: dict[tuple[str, str], int] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    @property
    def last_id(self) -> int | None:
        """The id that was given last."""
        return self.ids[-1] if self.ids else None

    def add(self, record: Record) -> None:
        """Keep a record, whose id is above all others."""
        self.by_id[record.id] = record
        self.ids.append(record.id)
