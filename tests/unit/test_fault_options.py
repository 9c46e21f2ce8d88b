"""Every option of every fault is checked when it is given: issue B6."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.faults.options import declared

NOW_MS = 1_790_000_000_000
CONTACTS = "/crm/v3/objects/contacts"
TOKEN = "/oauth/v3/token"
CATALOGUE = Simulator().faults.catalogue
OPTIONS = [(name, option) for name, maker in CATALOGUE.items() for option in declared(maker)[0]]
WRONG: list[Any] = [
    [["a"]],
    [1],
    [None],
    [""],
    [],
    {},
    {"a": 1},
    object(),
    b"bytes",
    "",
    float("nan"),
    float("inf"),
    -1,
    10**400,
    1j,
    [[]],
    ("a", 2),
    lambda: None,
]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_wrong_value_is_refused_at_once(name: str, option: str) -> None:
    simulator = Simulator(clock=ManualClock(NOW_MS))
    for value in WRONG:
        with pytest.raises(ValueError, match=name):
            simulator.inject(name, **{option: value})
        assert simulator.store.faults == [], value


@pytest.mark.parametrize("value", [1, "yes", None, []], ids=repr)
def test_after_accepting_is_true_or_false(value: object) -> None:
    having = [name for name in CATALOGUE if "after_accepting" in declared(CATALOGUE[name])[0]]
    assert having
    for name in having:
        with pytest.raises(ValueError, match=f"the fault '{name}': after_accepting=.*: expected True or False"):
            Simulator().inject(name, after_accepting=value)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("without_members", {"members": [["a"]]}, "expected a list of names"),
        ("without_members", {"members": "refresh_token"}, "as in members=\\['refresh_token'\\]"),
        ("MISSING_SCOPES", {"scopes": "oauth"}, "as in scopes=\\['oauth'\\]"),
        ("clock_skew", {"minutes": "5"}, "minutes='5': expected a number"),
        ("clock_skew", {"minutes": True}, "minutes=True: expected a number"),
        ("clock_skew", {"fortnights": 1}, "by how much"),
        ("delay", {"seconds": True}, "seconds=True: expected a number"),
        ("EXPIRED_AUTHENTICATION", {"expire_time_ms": True}, "expected a whole number or None"),
        ("EXPIRED_AUTHENTICATION", {"message": 5}, "expected a text or None"),
        ("held_answer", {"until": "/nowhere"}, "expected a path that is served"),
        ("LOCKED", {"seconds": 5}, "has no option 'seconds': it takes after_accepting"),
    ],
)
def test_the_message_names_the_value_and_the_way_out(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Simulator().inject(name, **options)


@pytest.mark.parametrize("probability", [True, False, "0.5", float("nan"), 2, -0.1])
def test_a_wrong_probability(probability: object) -> None:
    with pytest.raises(ValueError, match="probability"):
        Simulator().inject("LOCKED", probability=probability)


@pytest.mark.parametrize("name", [None, 5, ["LOCKED"], {}])
def test_a_name_that_is_none(name: object) -> None:
    with pytest.raises(ValueError, match="there is no fault"):
        Simulator().inject(name)


@pytest.mark.parametrize("name", CATALOGUE)
def test_none_fails_later(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is accepted works: the default options, and every option with a value of the declared type."""
    simulator = Simulator(clock=ManualClock(NOW_MS))
    client = Client(Application(simulator))
    good: dict[str, Any] = {"without_members": {"members": ("token_type",)}, "clock_skew": {"minutes": 1}}
    simulator.inject(name, times=None, **good.get(name, {"seconds": 1} if name == "delay" else {}))
    app, installed = simulator.app, simulator.installation
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "refresh_token"}
    bearer = {"Authorization": f"Bearer {installed.access_token}"}
    if name in ("connection_reset", "answer_lost", "truncated_body"):
        return  # those end the connection
    client.get(CONTACTS, headers=bearer)
    client.post(TOKEN, data={**form, "refresh_token": installed.refresh_token})
    assert "failed" not in "".join(exchange.why for exchange in simulator.journal.exchanges)
    assert caplog.records == []


def test_the_control_api_answers_400() -> None:
    client = Client(Application(Simulator()))
    answer = client.post("/_simulator/faults", json={"name": "without_members", "members": [["a"]]})
    assert answer.status_code == 400
    assert answer.json
    assert "members=[['a']]: expected a list of names" in answer.json["message"]
