"""Adds the client's end of the connection to the WSGI environ."""

from __future__ import annotations

from typing import Any

from cheroot.wsgi import Gateway_10

from ..senders import PEER, Peer


class Gateway(Gateway_10):
    """cheroot's gateway, plus the connection's peer in the environ."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        connection = self.req.conn
        peer = getattr(connection, "peer", None)
        if peer is None:
            client = connection.remote_addr or "", int(connection.remote_port or 0)
            peer = connection.peer = Peer((client, connection.socket.getsockname()[:2]), connection.socket.fileno())
        environ[PEER] = peer
        return environ
