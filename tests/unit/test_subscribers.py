"""Several listeners are told of each exchange, and none of them stands in the way of another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.http.app import Application


@pytest.fixture
def application() -> Application:
    return Application(Simulator())


def call(application: Application) -> None:
    assert Client(application).get("/_simulator/health").status_code == 200


def test_each_is_told_in_the_order_of_subscribing(application: Application) -> None:
    told: list[str] = []
    application.subscribe(lambda exchange: told.append(f"first {exchange.number}"))
    application.subscribe(lambda exchange: told.append(f"second {exchange.number}"))
    call(application)
    call(application)
    assert told == ["first 1", "second 1", "first 2", "second 2"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_they_end_in_any_order(application: Application, order: tuple[int, ...]) -> None:
    told: list[int] = []

    def listener(index: int) -> Callable[[Exchange], None]:
        return lambda _: told.append(index)

    unsubscribe = [application.subscribe(listener(index)) for index in range(3)]
    left = [0, 1, 2]
    for index in order:
        unsubscribe[index]()
        left.remove(index)
        told.clear()
        call(application)
        assert told == left


def test_to_end_twice_is_harmless(application: Application) -> None:
    told: list[Exchange] = []
    first, second = application.subscribe(told.append), application.subscribe(told.append)
    first()
    first()
    call(application)
    assert len(told) == 1  # the same listener, subscribed a second time
    second()
    call(application)
    assert len(told) == 1


def test_one_ends_itself_while_it_is_called(application: Application) -> None:
    told: list[str] = []

    def once(_: Exchange) -> None:
        told.append("once")
        unsubscribe()

    unsubscribe = application.subscribe(once)
    application.subscribe(lambda _: told.append("always"))
    call(application)
    call(application)
    assert told == ["once", "always", "always"]


def test_one_that_another_has_ended_is_not_called_any_more(application: Application) -> None:
    told: list[Exchange] = []
    application.subscribe(lambda _: unsubscribe())
    unsubscribe = application.subscribe(told.append)
    call(application)
    assert told == []


def test_one_that_subscribes_another_while_it_is_called(application: Application) -> None:
    told: list[int] = []
    application.subscribe(lambda _: application.subscribe(lambda exchange: told.append(exchange.number)))
    call(application)
    assert told == []
    call(application)
    assert told == [2]


def test_what_a_listener_raises_ends_the_call(application: Application) -> None:
    class Stop(Exception):
        pass

    def stop(_: Exchange) -> None:
        raise Stop

    unsubscribe = application.subscribe(stop)
    with pytest.raises(Stop):
        call(application)
    unsubscribe()
    call(application)
    assert len(application.simulator.journal) == 2


def test_many_threads_subscribe_and_end(application: Application) -> None:
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        for _ in range(200):
            application.subscribe(lambda _: None)()

    told: list[Exchange] = []
    application.subscribe(told.append)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call(application)
    assert len(told) == 1
