"""The environment variables of a child process, and the files that they name."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..core.connected_installation import ConnectedInstallation
from ..hosts import LOOPBACK, PATTERN
from ..serving.authority import Authority
from ..serving.server import SimulatorServer
from . import java

_HERE = Path(__file__).parent
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PHP = 'curl.cainfo="{bundle}"\nopenssl.cafile="{bundle}"\n'
_CHILD = "HUBSPOT_SIMULATOR_CHILD"  # read by the hooks for Python and Node


class Files(NamedTuple):
    """The files for a child process.

    ``authority`` is the certificate of the simulator's authority, ``bundle`` that certificate and all that the machine
    trusts, ``node`` and ``java`` the same for Node and Java. ``php`` is a folder with PHP settings for the bundle.
    """

    authority: Path
    bundle: Path
    node: Path
    java: Path
    php: Path


def write_files(authority: Authority, folder: Path, inherited: Mapping[str, str]) -> Files:
    """Write the certificates into a folder. Only the current user can read them."""
    names = ("authority.pem", "bundle.pem", "node.pem", "java.jks", "php")
    files = Files(*(folder / name for name in names))
    trusted = _joined([*_machine_certificates(inherited), authority.certificate])
    _write(files.authority, authority.certificate.encode())
    _write(files.bundle, trusted.encode())
    _write(files.node, _joined([*_read(inherited.get("NODE_EXTRA_CA_CERTS")), authority.certificate]).encode())
    _write(files.java, java.key_store(trusted))
    files.php.mkdir(0o700)
    _write(files.php / "hubspot-simulator.ini", _PHP.format(bundle=files.bundle).encode())
    return files


def _machine_certificates(inherited: Mapping[str, str]) -> list[str]:
    """Return the certificates that this machine trusts. Programs need them for the other hosts that they may reach."""
    paths = [inherited.get(name) for name in _BUNDLES]
    try:
        paths.append(str(import_module("certifi").where()))
    except ImportError:
        paths.append(ssl.get_default_verify_paths().cafile)
    return [text for name in dict.fromkeys(paths) for text in _read(name)]


def _read(name: str | None) -> list[str]:
    try:
        return [Path(name).read_text(encoding="ascii", errors="replace")] if name else []
    except OSError:  # a folder, or a missing file
        return []


def _joined(texts: list[str]) -> str:
    return "".join(f"{text.rstrip()}\n" for text in texts)


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def environment(server: SimulatorServer, proxy_url: str, files: Files, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return a child's environment: the inherited one with the changes that docs/run.md lists."""
    _, https = server.secure()
    hook_config = {
        "hosts": server.simulator.settings.hosts,
        "pattern": f"^(?:{PATTERN.pattern})$",
        "https": https,
        "http": (server.host, server.port),
        "authority": str(files.authority),
        "bundle": str(files.bundle),
    }
    variables = {
        **inherited,
        **_credentials(server.simulator.installation),
        "HUBSPOT_SIMULATOR_URL": server.url,
        "HUBSPOT_BASE_URL": server.url,
        "HUB_SPOT_BASE_URL": server.url,
        **dict.fromkeys(_BUNDLES, str(files.bundle)),
        "NODE_EXTRA_CA_CERTS": str(files.node),
        "DENO_CERT": str(files.authority),
        # An empty entry stands for the folder that PHP was built with.
        "PHP_INI_SCAN_DIR": os.pathsep.join([inherited.get("PHP_INI_SCAN_DIR", ""), str(files.php)]),
        _CHILD: json.dumps(hook_config),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_HERE / "python"), inherited.get("PYTHONPATH")])),
        "NODE_OPTIONS": " ".join(filter(None, [_node_require_option(), inherited.get("NODE_OPTIONS")])),
        "JAVA_TOOL_OPTIONS": " ".join(
            filter(None, [inherited.get("JAVA_TOOL_OPTIONS"), _java_options(proxy_url, files)])
        ),
    }
    for names, value in ((("HTTPS_PROXY", "HTTP_PROXY"), proxy_url), (("NO_PROXY",), ",".join(LOOPBACK))):
        for name in names:
            variables[name] = variables[name.lower()] = value
    for name in ("ALL_PROXY", "all_proxy"):  # it would bypass the proxy above
        variables.pop(name, None)
    return variables


def _credentials(installation: ConnectedInstallation) -> dict[str, str]:
    credentials = {
        "HUBSPOT_CLIENT_ID": installation.app.client_id,
        "HUBSPOT_CLIENT_SECRET": installation.app.client_secret,
        "HUBSPOT_REDIRECT_URI": installation.app.redirect_uri,
        "HUBSPOT_ACCESS_TOKEN": installation.access_token,
        "HUBSPOT_REFRESH_TOKEN": installation.refresh_token,
        "HUBSPOT_PORTAL_ID": str(installation.portal.hub_id),
    }
    issued_at = int(installation.issued_at.timestamp())
    credentials["HUBSPOT_TOKEN_ISSUED_AT"] = str(issued_at)
    expires_in = installation.token_response.get("expires_in")  # the setting expires_in can remove it
    if expires_in is not None:
        credentials |= {"HUBSPOT_EXPIRES_IN": str(expires_in), "HUBSPOT_EXPIRES_AT": str(issued_at + expires_in)}
    return credentials


def _java_options(proxy_url: str, files: Files) -> str:
    proxy = urlsplit(proxy_url)
    return java.options(proxy.hostname or "", proxy.port or 0, str(files.java))


def _node_require_option() -> str:
    path = (_HERE / "node" / "preload.cjs").as_posix().replace('"', '\\"')
    return f'--require "{path}"'
