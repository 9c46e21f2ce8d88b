"""A response as it goes out, in plain data."""

from __future__ import annotations

from typing import NamedTuple


class WireResponse(NamedTuple):
    """A response as it goes out.

    ``delivered`` says what of it reaches the client: ``whole``, ``cut`` (the connection ends in the middle of the
    body) or ``nothing`` (the connection ends without a response).
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    delivered: str = "whole"

    def __repr__(self) -> str:  # the body may hold tokens
        return f"<{type(self).__name__} {self.status}, {len(self.body)} bytes>"
