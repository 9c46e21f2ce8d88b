"""Instants and durations, in the forms that callers, HubSpot and Python use. All are epoch milliseconds inside."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

END_MS = 253_402_300_800_000  # the end of the year 9999, the last that can be written as a date
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NAIVE_EPOCH = datetime(1970, 1, 1)


class ClockOutOfRange(ValueError):
    """A clock was to be moved to where no token can be issued."""


def duration(delta: timedelta | None, parts: dict[str, float]) -> timedelta:
    """Return the duration that a caller gave as a ``timedelta`` or as its keywords.

    Raises TypeError with the accepted forms when it is neither, both or nothing, ClockOutOfRange for millions of years.
    """
    if isinstance(delta, timedelta) and not parts:
        return delta
    if delta is None and parts:
        try:
            return timedelta(**parts)
        except TypeError as error:
            raise TypeError(
                f"advance() got {parts!r}: expected a timedelta or its keywords, as in advance(minutes=31)"
            ) from error
        except OverflowError as error:
            raise ClockOutOfRange(f"advance() got {parts!r}: HubSpot's clock runs from 1970 to 9999") from error
    given = repr(delta) if delta is not None else "nothing"
    raise TypeError(f"advance() got {given}: expected a timedelta or its keywords, as in advance(minutes=31)")


def to_ms(delta: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return delta // timedelta(milliseconds=1)


def to_datetime(ms: int) -> datetime:
    """Return the instant of an epoch-millisecond value, aware, in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


def from_datetime(when: datetime) -> int:
    """Return an instant in epoch milliseconds, truncated. A naive datetime is taken as UTC.

    Raises TypeError for anything else.
    """
    if not isinstance(when, datetime):
        raise TypeError(f"{when!r} is no datetime: expected one such as datetime(2026, 11, 23, tzinfo=timezone.utc)")
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return to_ms(when - _EPOCH)


def iso_instant(ms: int) -> str:
    """Write an instant as HubSpot does: UTC, ``Z``, three digits of milliseconds or none when they are zero.

    docs/fidelity.md, "Timestamps": the form of Java's ``Instant.toString``.
    """
    seconds, milliseconds = divmod(ms, 1000)
    text = (_NAIVE_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"
