"""Java's options and certificates: a key store in the JKS format, which every Java can read."""

from __future__ import annotations

import hashlib
import re
import ssl
import struct

PASSWORD = "changeit"  # Java's default; it only protects the file's integrity
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2


def key_store(certificates: str) -> bytes:
    """Return a key store (JKS) with the certificates of a text (PEM) as trusted ones."""
    pem_certificates = _CERTIFICATE.findall(certificates)
    parts = [struct.pack(">III", _MAGIC, _VERSION, len(pem_certificates))]
    for number, certificate in enumerate(pem_certificates):
        der = ssl.PEM_cert_to_DER_cert(certificate)
        parts += [
            struct.pack(">I", _TRUSTED) + _utf(str(number)) + struct.pack(">Q", 0) + _utf("X.509"),
            struct.pack(">I", len(der)) + der,
        ]
    data = b"".join(parts)
    return data + hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + data).digest()


def _utf(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def options(proxy_host: str, proxy_port: int, store: str) -> str:
    """Return the JVM's options (``JAVA_TOOL_OPTIONS``) for a proxy and a key store."""
    properties = {
        "http.proxyHost": proxy_host,
        "http.proxyPort": proxy_port,
        "https.proxyHost": proxy_host,
        "https.proxyPort": proxy_port,
        "http.nonProxyHosts": "localhost|127.*|[::1]",  # for https, too
        "javax.net.ssl.trustStore": store,
        "javax.net.ssl.trustStoreType": "JKS",
        "javax.net.ssl.trustStorePassword": PASSWORD,
    }
    return " ".join(
        f'-D{name}="{value}"' if " " in str(value) else f"-D{name}={value}" for name, value in properties.items()
    )
