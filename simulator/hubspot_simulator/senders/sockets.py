"""Finds the socket at the client's end of a local connection: in this process, or through the Linux kernel."""

from __future__ import annotations

import _socket
import errno
import os
import stat
import struct
from collections.abc import Iterator

Ends = tuple[tuple[str, int], tuple[str, int]]  # address and port of a connection's client and server

_NEARBY = 16  # a client's descriptor is usually slightly lower than that of the accepted connection
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _ALL_STATES = 4, 20, 1, 0xFFFF_FFFF
_NETLINK_SECONDS = 1.0
_INODE_AT = 16 + 68  # after the header of the message
_FAMILIES = (_socket.AF_INET, _socket.AF_INET6)


class NoInodes(Exception):
    """The system does not identify sockets by inodes."""


def is_own(ends: Ends, near: int) -> bool | None:
    """Return whether this process has the client's end of a connection.

    ``near`` is the descriptor of the server's end. Returns None where descriptors cannot be inspected (Windows).
    """
    if os.name != "posix":
        return None
    ports = ends[0][1], ends[1][1]
    return any(_ports(fd) == ports for fd in _descriptors(near))


def _descriptors(near: int) -> Iterator[int]:
    nearby = range(max(near - _NEARBY, 0), near + _NEARBY)
    yield from range(near - 1, nearby.start - 1, -1)
    yield from range(near + 1, nearby.stop)
    try:
        yield from (int(name) for name in os.listdir("/dev/fd") if int(name) not in nearby)
    except OSError:  # the system has no /dev/fd: the nearby descriptors must do
        return


def _ports(fd: int) -> tuple[int, int] | None:
    """Return the ports of both ends of a TCP connection, or None for other descriptors."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
        sock = _socket.socket(-1, -1, -1, fd)  # not socket.socket, which tests may replace
    except OSError:
        return None
    try:
        if sock.type != _socket.SOCK_STREAM or sock.family not in _FAMILIES:
            return None
        return sock.getsockname()[1], sock.getpeername()[1]
    except OSError:  # a listening socket, or one that was just closed
        return None
    finally:
        sock.detach()


def inode_of(ends: Ends) -> int | None:
    """Return the inode of the client's socket, or None if Linux does not know the connection.

    Raises NoInodes if the kernel cannot be asked.
    """
    try:
        message = _query_netlink(ends)
    except (OSError, AttributeError) as error:
        raise NoInodes from error
    kind, code = struct.unpack_from("=4xH10xi", message)
    if kind == _SOCK_DIAG_BY_FAMILY:
        return struct.unpack_from("=I", message, _INODE_AT)[0] or None
    if -code != errno.ENOENT:
        raise NoInodes(os.strerror(abs(code)))
    return None


def _query_netlink(ends: Ends) -> bytes:
    """Ask the kernel for a connection and return its reply, a message of sock_diag(7)."""
    client, server = ((ip.removeprefix("::ffff:"), port) for ip, port in ends)
    family = _socket.AF_INET6 if ":" in client[0] else _socket.AF_INET
    source, target = (_socket.inet_pton(family, ip).ljust(16, b"\0") for ip, _ in (client, server))
    socket_id = struct.pack("!HH16s16sI8s", client[1], server[1], source, target, 0, b"\xff" * 8)
    request = struct.pack("=BBBBI", family, _socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + socket_id
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
    netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG)
    try:
        netlink.settimeout(_NETLINK_SECONDS)
        netlink.sendto(header + request, (0, 0))
        return netlink.recv(4096)
    finally:
        netlink.close()


def has_inode(pid: int, inode: int) -> bool:
    """Return whether a process has the socket with this inode (Linux)."""
    link = f"socket:[{inode}]"
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_read_link(entry.path) == link for entry in entries)
    except OSError:  # it has ended, or belongs to another user
        return False


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
