"""Runs at the start of every Python that ``hubspot-simulator run`` reaches, whichever that is.

Hence no syntax here that an old Python lacks: one that is too old for the rest is served by the proxy alone.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
# The program finds the path as it would be without this. What it starts takes its own from the environment.
sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != _here]
_this = sys.modules.pop("sitecustomize")
try:
    __import__("sitecustomize")  # the one that this one hides
except ImportError:
    sys.modules["sitecustomize"] = _this  # there is none

if sys.version_info >= (3, 8) and "HUBSPOT_SIMULATOR_CHILD" in os.environ:
    try:
        import importlib.util

        _spec = importlib.util.spec_from_file_location("_hubspot_simulator_hook", os.path.join(_here, "hook.py"))
        _hook = importlib.util.module_from_spec(_spec)  # type: ignore[arg-type]
        _spec.loader.exec_module(_hook)  # type: ignore[union-attr]
        _hook.install(os.environ["HUBSPOT_SIMULATOR_CHILD"])
    except Exception as error:  # noqa: BLE001 - a Python without ssl, for one: the program runs all the same
        sys.stderr.write("hubspot-simulator: only the proxy reaches this Python: %r\n" % (error,))  # noqa: UP031
