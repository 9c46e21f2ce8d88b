"""What all tests share."""

import datetime

import httpx
import httpx2
import pydantic
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# Both import their cores when they are first used. Inside of a run of pytester in this process those would be forgotten
# again, and imported anew later: then httpx no longer knows the exceptions of its own core.
httpx.Client().close()
httpx2.Client().close()
# Likewise: the parts of it that a foreign freeze loads would keep the stand-ins of freezegun for good.
pydantic.create_model("Loaded", moment=(datetime.datetime, ...))

# A shared machine can be slow for a moment; no test asserts on elapsed time, and neither does hypothesis.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are wrapped to the terminal's width. Tests look for whole lines, unless they set another width."""
    monkeypatch.setenv("COLUMNS", "1000")
