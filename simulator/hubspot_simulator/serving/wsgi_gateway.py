"""What the WSGI app learns of a request beside what stands in it: whom it came from."""

from __future__ import annotations

from typing import Any

from cheroot.wsgi import Gateway_10

from ..senders import PEER, Peer


class Gateway(Gateway_10):
    """cheroot's, and the other end of the connection in the environment."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        connection = self.req.conn
        peer = getattr(connection, "peer", None)
        if peer is None:
            client = connection.remote_addr or "", int(connection.remote_port or 0)
            peer = connection.peer = Peer((client, connection.socket.getsockname()[:2]), connection.socket.fileno())
        environ[PEER] = peer
        return environ
