"""Sockets, TLS and connections: the server that carries the HTTP layer."""
