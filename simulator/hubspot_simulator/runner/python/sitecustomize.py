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

if "FAKETIME" in os.environ or "FAKETIME_TIMESTAMP_FILE" in os.environ:
    import time

    try:
        time.sleep(0.000001)
    except OSError:  # libfaketime up to 0.9.10 fails CPython's from 3.11 on
        import select

        def _sleep(seconds, _sleep=time.sleep, _select=select.select):  # type: ignore[no-untyped-def]
            _select([], [], [], seconds) if seconds > 0 else _sleep(seconds)

        time.sleep = _sleep

if sys.version_info >= (3, 8) and "HUBSPOT_SIMULATOR_CHILD" in os.environ:
    try:
        from importlib.machinery import SourceFileLoader

        _hook = type(sys)("_hubspot_simulator_hook")
        SourceFileLoader(_hook.__name__, os.path.join(_here, "hook.py")).exec_module(_hook)
        _hook.install(os.environ["HUBSPOT_SIMULATOR_CHILD"], os.path.dirname(os.path.dirname(_here)))
    except Exception as error:  # noqa: BLE001 - the program runs all the same
        sys.stderr.write("hubspot-simulator: only the proxy reaches this Python: %r\n" % (error,))  # noqa: UP031
