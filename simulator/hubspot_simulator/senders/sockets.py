"""Finds the socket at the client's end of a connection on this machine: among this process's own, or by Linux."""

from __future__ import annotations

import _socket
import errno
import os
import stat
import struct
from collections.abc import Iterator

Ends = tuple[tuple[str, int], tuple[str, int]]  # of a connection, address and port: the client's, the server's

_NEAR = 16  # a client's descriptor is most often a little below that of the connection that was accepted from it
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _ALL_STATES = 4, 20, 1, 0xFFFF_FFFF
_NETLINK_SECONDS = 1.0
_INODE_AT = 16 + 68  # behind the head of the message
_FAMILIES = (_socket.AF_INET, _socket.AF_INET6)


class NoInodes(Exception):
    """This system does not tell sockets by inodes."""


def is_own(ends: Ends, near: int) -> bool | None:
    """Tell whether this process has the client's end of a connection.

    ``near`` is the descriptor of the server's end. None where descriptors cannot be looked at (Windows).
    """
    if os.name != "posix":
        return None
    wanted = ends[0][1], ends[1][1]
    return any(_ports(fd) == wanted for fd in _descriptors(near))


def _descriptors(near: int) -> Iterator[int]:
    close = range(max(near - _NEAR, 0), near + _NEAR)
    yield from range(near - 1, close.start - 1, -1)
    yield from range(near + 1, close.stop)
    try:
        yield from (int(name) for name in os.listdir("/dev/fd") if int(name) not in close)
    except OSError:  # a system without it: what is near will do
        return


def _ports(fd: int) -> tuple[int, int] | None:
    """Return the ports of both ends of a TCP connection; None when a descriptor is none."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
        sock = _socket.socket(-1, -1, -1, fd)  # not socket.socket, which tests replace
    except OSError:
        return None
    try:
        if sock.type != _socket.SOCK_STREAM or sock.family not in _FAMILIES:
            return None
        return sock.getsockname()[1], sock.getpeername()[1]
    except OSError:  # it listens, or was closed just now
        return None
    finally:
        sock.detach()


def inode_of(ends: Ends) -> int | None:
    """Return what Linux calls the client's end of a connection; None when it has none such.

    Raises NoInodes where it cannot be asked.
    """
    try:
        answer = _ask_netlink(ends)
    except (OSError, AttributeError) as error:
        raise NoInodes from error
    kind, code = struct.unpack_from("=4xH10xi", answer)
    if kind == _SOCK_DIAG_BY_FAMILY:
        return struct.unpack_from("=I", answer, _INODE_AT)[0] or None
    if -code != errno.ENOENT:
        raise NoInodes(os.strerror(abs(code)))
    return None


def _ask_netlink(ends: Ends) -> bytes:
    """Return the kernel's answer to the question for one connection: a message of sock_diag(7)."""
    client, server = ((ip.removeprefix("::ffff:"), port) for ip, port in ends)
    family = _socket.AF_INET6 if ":" in client[0] else _socket.AF_INET
    source, target = (_socket.inet_pton(family, ip).ljust(16, b"\0") for ip, _ in (client, server))
    one = struct.pack("!HH16s16sI8s", client[1], server[1], source, target, 0, b"\xff" * 8)
    question = struct.pack("=BBBBI", family, _socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + one
    head = struct.pack("=IHHII", 16 + len(question), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
    netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG)
    try:
        netlink.settimeout(_NETLINK_SECONDS)
        netlink.sendto(head + question, (0, 0))
        return netlink.recv(4096)
    finally:
        netlink.close()


def has_inode(pid: int, inode: int) -> bool:
    """Tell whether a process has a socket of Linux among its descriptors."""
    wanted = f"socket:[{inode}]"
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_link(entry.path) == wanted for entry in entries)
    except OSError:  # it has ended, or is not ours to look at
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
