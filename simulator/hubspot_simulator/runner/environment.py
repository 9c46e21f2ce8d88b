"""What a child process finds in its environment, and the files that are named there."""

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
_CHILD = "HUBSPOT_SIMULATOR_CHILD"  # for what is loaded into Python and Node children


class Files(NamedTuple):
    """Certificates: of the simulator's authority, of all whom the child trusts, of whom Node and Java trust.

    ``php`` is a folder with settings of PHP that name the second.
    """

    authority: Path
    bundle: Path
    node: Path
    java: Path
    php: Path


def write_files(authority: Authority, folder: Path, inherited: Mapping[str, str]) -> Files:
    """Write the certificates into a folder, readable by this user only."""
    names = ("authority.pem", "bundle.pem", "node.pem", "java.jks", "php")
    files = Files(*(folder / name for name in names))
    usual = _joined([*_usual(inherited), authority.certificate])
    _write(files.authority, authority.certificate.encode())
    _write(files.bundle, usual.encode())
    _write(files.node, _joined([*_read(inherited.get("NODE_EXTRA_CA_CERTS")), authority.certificate]).encode())
    _write(files.java, java.key_store(usual))
    files.php.mkdir(0o700)
    _write(files.php / "hubspot-simulator.ini", _PHP.format(bundle=files.bundle).encode())
    return files


def _usual(inherited: Mapping[str, str]) -> list[str]:
    """Return the certificates that this machine trusts: what is allowed past the proxy is verified as ever."""
    named = [inherited.get(name) for name in _BUNDLES]
    try:
        named.append(str(import_module("certifi").where()))
    except ImportError:
        named.append(ssl.get_default_verify_paths().cafile)
    return [text for name in dict.fromkeys(named) for text in _read(name)]


def _read(name: str | None) -> list[str]:
    try:
        return [Path(name).read_text(encoding="ascii", errors="replace")] if name else []
    except OSError:  # a folder, or a file that is not there: nobody could have used it
        return []


def _joined(texts: list[str]) -> str:
    return "".join(f"{text.rstrip()}\n" for text in texts)


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def environment(server: SimulatorServer, proxy_url: str, files: Files, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return a child's environment: the inherited one, changed as docs/run.md says."""
    _, https = server.secure()
    child = {
        "hosts": server.simulator.settings.hosts,
        "pattern": f"^(?:{PATTERN.pattern})$",
        "https": https,
        "http": (server.host, server.port),
        "authority": str(files.authority),
        "bundle": str(files.bundle),
    }
    changed = {
        **inherited,
        **_credentials(server.simulator.installation),
        "HUBSPOT_SIMULATOR_URL": server.url,
        "HUBSPOT_BASE_URL": server.url,
        "HUB_SPOT_BASE_URL": server.url,
        **dict.fromkeys(_BUNDLES, str(files.bundle)),
        "NODE_EXTRA_CA_CERTS": str(files.node),
        "DENO_CERT": str(files.authority),
        # An empty part of it stands for the folder that PHP was built with.
        "PHP_INI_SCAN_DIR": os.pathsep.join([inherited.get("PHP_INI_SCAN_DIR", ""), str(files.php)]),
        _CHILD: json.dumps(child),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_HERE / "python"), inherited.get("PYTHONPATH")])),
        "NODE_OPTIONS": " ".join(filter(None, [_require(), inherited.get("NODE_OPTIONS")])),
        "JAVA_TOOL_OPTIONS": " ".join(filter(None, [inherited.get("JAVA_TOOL_OPTIONS"), _java(proxy_url, files)])),
    }
    for names, value in ((("HTTPS_PROXY", "HTTP_PROXY"), proxy_url), (("NO_PROXY",), ",".join(LOOPBACK))):
        for name in names:
            changed[name] = changed[name.lower()] = value
    for name in ("ALL_PROXY", "all_proxy"):  # another way out
        changed.pop(name, None)
    return changed


def _credentials(installed: ConnectedInstallation) -> dict[str, str]:
    found = {
        "HUBSPOT_CLIENT_ID": installed.app.client_id,
        "HUBSPOT_CLIENT_SECRET": installed.app.client_secret,
        "HUBSPOT_REDIRECT_URI": installed.app.redirect_uri,
        "HUBSPOT_ACCESS_TOKEN": installed.access_token,
        "HUBSPOT_REFRESH_TOKEN": installed.refresh_token,
        "HUBSPOT_PORTAL_ID": str(installed.portal.hub_id),
    }
    issued_at = int(installed.issued_at.timestamp())
    found["HUBSPOT_TOKEN_ISSUED_AT"] = str(issued_at)
    said = installed.token_response.get("expires_in")  # a setting can have HubSpot not say it
    if said is not None:
        found |= {"HUBSPOT_EXPIRES_IN": str(said), "HUBSPOT_EXPIRES_AT": str(issued_at + said)}
    return found


def _java(proxy_url: str, files: Files) -> str:
    proxy = urlsplit(proxy_url)
    return java.options(proxy.hostname or "", proxy.port or 0, str(files.java))


def _require() -> str:
    path = (_HERE / "node" / "preload.cjs").as_posix().replace('"', '\\"')
    return f'--require "{path}"'
