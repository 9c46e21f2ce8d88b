"""Sockets, TLS and connections: the server below the HTTP layer."""
