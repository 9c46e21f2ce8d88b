"""What is used of other libraries that they do not promise. A failure here names what a new version changed."""

from __future__ import annotations

import asyncio
import datetime
import importlib
import inspect
import threading
import time
from importlib.metadata import PackageNotFoundError, version

import pytest

USED = {
    "freezegun.api": {
        "freeze_factories ignore_lists": "clock.py: the newest freeze, and who sees real time in it",
        "TickingDateTimeFactory FrozenDateTimeFactory": "clock.py: which freezes step by themselves",
        "FakeDateMeta FakeDate FakeDatetime": "freezegun_types.py: the fake types",
        "FakeDatetime.now FakeDatetime._time_to_freeze FakeDatetime._tz_offset datetime_to_fakedatetime": (
            "local_time.py: the local time"
        ),
        "real_date real_datetime real_time real_time_ns real_gmtime real_localtime real_strftime": "the real functions",
        "real_monotonic real_monotonic_ns real_perf_counter real_perf_counter_ns": "waiting/real_waits.py",
        "fake_monotonic fake_monotonic_ns fake_perf_counter fake_perf_counter_ns": "waiting/real_waits.py",
        "fake_time fake_time_ns fake_gmtime fake_localtime fake_strftime": "waiting/passed_over.py",
    },
    "cheroot.server": {
        "HTTPServer.process_conn HTTPServer.error_log HTTPServer.clear_stats": "wsgi_server.py: overridden",
        "HTTPServer.can_add_keepalive_connection HTTPServer.max_request_header_size": "wsgi_server.py: overridden",
        "HTTPConnection.communicate HTTPConnection.RequestHandlerClass": "wsgi_connection.py: answers requests",
        "HTTPRequest.respond HTTPRequest.send_headers HTTPRequest.write HTTPRequest.simple_response": (
            "wsgi_connection.py: one packet for head and body"
        ),
    },
    "cheroot.wsgi": {"Gateway_10": "wsgi_server.py: what calls the app"},
    "cheroot.makefile": {"MakeFile": "wsgi_connection.py: the streams of a TLS connection"},
    "responses": {
        "BaseResponse.matches BaseResponse.get_response BaseResponse.call_count": "responses_bridge.py: the catch-all",
        "RequestsMock.add_passthru RequestsMock.registered RequestsMock.start RequestsMock.stop": "responses_bridge.py",
    },
    "_pytest.runner": {"pytest_runtest_protocol": "clock.py: durations stay real in this module"},
    "_pytest.timing": {"perf_counter time": "clock.py: durations stay real in this module"},
    "threading": {
        "Condition._release_save Condition._acquire_restore Condition.wait Event.wait Timer.run": "waiting/threads.py"
    },
    "asyncio": {
        "BaseEventLoop._run_once BaseEventLoop.time BaseEventLoop._process_events": "waiting/loops.py",
        "futures._set_result_unless_cancelled Task._fut_waiter Task._callbacks Future._callbacks": "waiting/idle.py",
    },
    "importlib.machinery": {
        "ExtensionFileLoader.create_module ExtensionFileLoader.exec_module": "waiting/imports.py",
        "SourceFileLoader.exec_module SourcelessFileLoader.exec_module": "waiting/imports.py",
    },
}
NAMES = [
    pytest.param(module, name, purpose, id=f"{module}.{name}")
    for module, uses in USED.items()
    for names, purpose in uses.items()
    for name in names.split()
]


def of(module: str) -> str:
    package = module.partition(".")[0].replace("_pytest", "pytest")
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"this Python's {package}"


@pytest.mark.parametrize(("module", "name", "purpose"), NAMES)
def test_it_is_there(module: str, name: str, purpose: str) -> None:
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)  # type: ignore[assignment]
        assert found is not None, f"{of(module)} has no {module}.{name} any more, which is used in {purpose}"


def test_a_freeze_stands_last_in_freezeguns_lists() -> None:
    from freezegun import api, freeze_time

    before = len(api.freeze_factories), len(api.ignore_lists)
    with freeze_time("2030-01-01", real_asyncio=True) as factory:
        assert api.freeze_factories[-1] is factory, f"{of('freezegun')}: freeze_factories[-1] is not the newest freeze"
        assert isinstance(factory, api.FrozenDateTimeFactory)
        assert factory.time_to_freeze == api.real_datetime(2030, 1, 1), f"{of('freezegun')}: time_to_freeze is no time"
        factory.tick(datetime.timedelta(minutes=31))
        assert factory.time_to_freeze == api.real_datetime(2030, 1, 1, 0, 31), (
            f"{of('freezegun')}: tick() moves no time"
        )
        assert isinstance(api.ignore_lists[-1], tuple), f"{of('freezegun')}: the list of who sees real time is no tuple"
        assert "threading" in api.ignore_lists[-1], f"{of('freezegun')}: threading is not ignored any more"
        assert type(api.FakeDate) is api.FakeDateMeta, f"{of('freezegun')}: the stand-ins have another metaclass"
        assert time.monotonic is api.fake_monotonic, f"{of('freezegun')}: time.monotonic is not fake_monotonic"
        assert datetime.datetime is api.FakeDatetime, f"{of('freezegun')}: datetime.datetime is not FakeDatetime"
    assert (len(api.freeze_factories), len(api.ignore_lists)) == before
    with freeze_time("2030-01-01", tick=True) as factory:
        assert isinstance(factory, api.TickingDateTimeFactory), (
            f"{of('freezegun')}: a ticking freeze has another factory"
        )


def test_a_request_of_cheroot_has_what_is_read_of_it() -> None:
    from cheroot import server

    source = inspect.getsource(server.HTTPRequest)
    used = "conn rfile outheaders sent_headers close_connection chunked_read chunked_write".split()
    missing = [name for name in used if f"self.{name} = " not in source and not hasattr(server.HTTPRequest, name)]
    assert missing == [], f"{of('cheroot')}: HTTPRequest has no {', '.join(missing)} (wsgi_connection.py)"
    connection = inspect.getsource(server.HTTPConnection)
    missing = [name for name in ("socket", "rfile", "wfile") if f"self.{name} = " not in connection]
    assert missing == [], f"{of('cheroot')}: HTTPConnection has no {', '.join(missing)} (wsgi_connection.py)"


def test_a_lock_waits_as_it_is_waited_for() -> None:
    event = threading.Event()
    assert hasattr(event, "_cond"), "threading.Event has no _cond (waiting/threads.py)"
    assert hasattr(event._cond, "_waiters"), "threading.Condition has no _waiters (waiting/threads.py)"


def test_a_loop_keeps_its_timers_where_they_are_looked_for() -> None:
    loop = asyncio.new_event_loop()
    try:
        names = ["_scheduled", "_ready", "_stopping", "_selector"]
        missing = [name for name in names if not hasattr(loop, name)]
        assert missing == [], f"asyncio's loop has no {', '.join(missing)} (waiting/loops.py)"
        handle = loop.call_later(60, print)
        assert loop._scheduled == [handle]  # type: ignore[attr-defined]
        assert {"_when", "_cancelled", "_callback", "_args"} <= set(dir(handle))
    finally:
        loop.close()


def test_a_sleep_of_asyncio_ends_by_the_function_that_is_looked_for() -> None:
    async def scenario() -> list[object]:
        task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        found: list[object] = [task._fut_waiter is handle._args[0] for handle in scheduled]  # type: ignore[attr-defined]
        found += [handle._callback is asyncio.futures._set_result_unless_cancelled for handle in scheduled]  # type: ignore[attr-defined]
        task.cancel()
        return found

    assert asyncio.run(scenario()) == [True, True], "asyncio.sleep waits otherwise than waiting/idle.py takes it to"
