"""Runs at the start of every Python that a program under ``hubspot-simulator run`` starts.

The syntax must work in old Pythons too. A Python that is too old for the hook is served by the proxy alone.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
# Restore the path that the program would have without this file. Child processes get theirs from the environment.
sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != _here]
_this = sys.modules.pop("sitecustomize")
try:
    __import__("sitecustomize")  # the one that this file shadows
except ImportError:
    sys.modules["sitecustomize"] = _this  # no other one

if "FAKETIME" in os.environ or "FAKETIME_TIMESTAMP_FILE" in os.environ:
    import time

    try:
        time.sleep(0.000001)
    except OSError:  # with libfaketime up to 0.9.10, time.sleep() fails in CPython 3.11 and later
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
    except Exception as error:  # noqa: BLE001 - the program must run anyway
        sys.stderr.write("hubspot-simulator: only the proxy can redirect this Python: %r\n" % (error,))  # noqa: UP031
