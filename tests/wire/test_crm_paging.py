"""Lists of CRM objects: pages, cursors and links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AssertAnswer


PATH = "/crm/v3/objects/deals"


@pytest.fixture
def deals(api: Api) -> Callable[..., list[str]]:
    """Create deals and return their ids."""

    def deals(count: int) -> list[str]:
        return [api.create("deals", dealname=str(number))["id"] for number in range(count)]

    return deals


def ids_of(page: dict[str, Any]) -> list[Any]:
    return [record["id"] for record in page["results"]]


def pages(api: Api, **query: Any) -> Iterator[dict[str, Any]]:
    """Yield every page, by its cursor."""
    after: dict[str, str] = {}
    while True:
        page = api.get(PATH, **query, **after)
        yield page
        if "paging" not in page:
            return
        after = {"after": page["paging"]["next"]["after"]}


def test_no_data_is_an_empty_list_without_paging(api: Api) -> None:
    assert api("GET", PATH).text == '{"results":[]}'


@pytest.mark.parametrize(
    ("count", "query", "sizes"),
    [
        (9, {}, [9]),
        (10, {}, [10]),
        (11, {}, [10, 1]),
        (12, {}, [10, 2]),
        (21, {}, [10, 10, 1]),
        (3, {"limit": ""}, [3]),
        (3, {"limit": "1"}, [1, 1, 1]),
        (4, {"limit": "2"}, [2, 2]),
        (5, {"limit": "2"}, [2, 2, 1]),
        (100, {"limit": "100"}, [100]),
        (101, {"limit": "100"}, [100, 1]),
        (101, {"limit": "101"}, [100, 1]),
        (102, {"limit": "1000000000000"}, [100, 2]),
    ],
)
def test_pages_hold_all_objects_once_in_order_of_their_ids(
    api: Api, deals: Callable[..., list[str]], count: int, query: dict[str, Any], sizes: list[int]
) -> None:
    ids = deals(count)
    seen = list(pages(api, **query))
    assert [len(page["results"]) for page in seen] == sizes
    assert [record_id for page in seen for record_id in ids_of(page)] == ids


def test_the_cursor_is_the_last_id_plus_one(api: Api, deals: Callable[..., list[str]]) -> None:
    ids = deals(5)
    page = api.get(PATH, limit=2)
    assert list(page) == ["results", "paging"]
    assert list(page["paging"]["next"]) == ["after", "link"]
    assert page["paging"]["next"]["after"] == str(int(ids[1]) + 1)


@pytest.mark.parametrize("after", ["", "0", "1", "00"])
def test_a_cursor_before_everything_is_the_first_page(api: Api, deals: Callable[..., list[str]], after: str) -> None:
    assert ids_of(api.get(PATH, after=after)) == deals_of(api)


def deals_of(api: Api) -> list[Any]:
    return ids_of(api.get(PATH))


def test_any_number_is_a_cursor(api: Api, deals: Callable[..., list[str]]) -> None:
    ids = deals(3)
    assert ids_of(api.get(PATH, after=ids[1])) == ids[1:]
    assert ids_of(api.get(PATH, after=str(int(ids[1]) + 1))) == ids[2:]
    assert api.get(PATH, after="9999999999999999999") == {"results": []}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PATH, "limit=2"),
        (f"{PATH}/", "limit=2"),
        ("/crm/v3/objects/DEAL", "limit=2"),
        ("/crm/objects/2026-03/0-3", "limit=2"),
        ("/crm/objects/v3/deals", "limit=2"),
        (PATH, "limit=2&properties=dealname&properties=amount&archived=false"),
        (PATH, "properties=dealname%2Camount&limit=2&archived=False"),
        (PATH, "limit=2&after=0&unknown=a+b%26c&empty="),
    ],
)
def test_the_link_is_the_same_url_with_another_cursor(
    api: Api, deals: Callable[..., list[str]], path: str, query: str
) -> None:
    deals(3)
    page = api("GET", f"{path}?{query}", base_url="https://api.hubapi.com").json
    after, link = page["paging"]["next"].values()
    url = urlsplit(link)
    assert (url.scheme, url.netloc, url.path) == ("https", "api.hubapi.com", path)
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "after"]
    assert parse_qsl(url.query, keep_blank_values=True) == [*kept, ("after", after)]


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8000", "http://127.0.0.1:12345", "http://hubspot", "https://h:8443"]
)
def test_the_link_leads_to_the_host_that_was_called(api: Api, deals: Callable[..., list[str]], base_url: str) -> None:
    deals(2)
    link = api("GET", f"{PATH}?limit=1", base_url=base_url).json["paging"]["next"]["link"]
    assert link.startswith(f"{base_url}{PATH}?limit=1&after=")


def test_following_the_links_leads_through_all_pages(api: Api, deals: Callable[..., list[str]]) -> None:
    ids = deals(5)
    seen, target = [], f"{PATH}?limit=2&properties=dealname"
    while target:
        page = api("GET", target).json
        seen += ids_of(page)
        link = page.get("paging", {}).get("next", {}).get("link")
        target = link and link.removeprefix("http://localhost")
    assert seen == ids


def test_archived_objects_take_no_room_on_a_page(api: Api, deals: Callable[..., list[str]]) -> None:
    ids = deals(9)
    for record_id in ids[::2]:
        api("DELETE", f"{PATH}/{record_id}")
    live = list(pages(api, limit="2"))
    archived = list(pages(api, limit="2", archived="true"))
    assert [ids_of(page) for page in live] == [ids[1:4:2], ids[5:8:2]]
    assert [ids_of(page) for page in archived] == [ids[0:3:2], ids[4:7:2], ids[8:]]


def test_an_object_that_comes_while_paging_is_on_a_later_page(api: Api, deals: Callable[..., list[str]]) -> None:
    deals(3)
    first = api.get(PATH, limit=2)
    new = api.create("deals")["id"]
    assert ids_of(api.get(PATH, after=first["paging"]["next"]["after"]))[-1] == new


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "1.5", "1e1", "٣", "+1", "00000000000", "\x00"])
def test_a_limit_that_is_no_number_above_zero_is_refused(api: Api, assert_refused: AssertAnswer, limit: str) -> None:
    assert_refused(
        api("GET", PATH, query_string={"limit": limit}),
        400,
        f"Invalid paging parameter 'limit': {limit}",
        category="VALIDATION_ERROR",
    )


@pytest.mark.parametrize("after", ["abc", "-1", "1.5", "٣", "9" * 20, "null"])
def test_a_cursor_that_is_no_number_is_refused(api: Api, assert_refused: AssertAnswer, after: str) -> None:
    assert_refused(
        api("GET", PATH, query_string={"after": after}),
        400,
        f"Invalid paging parameter 'after': {after}",
        category="VALIDATION_ERROR",
    )


@pytest.mark.parametrize(
    "query", ["foo=bar", "=", "&&", "limit", "%", "%ff=%fe", "propertiesWithHistory=x&associations=y"]
)
def test_unknown_parameters_are_ignored(api: Api, deals: Callable[..., list[str]], query: str) -> None:
    ids = deals(2)
    assert ids_of(api("GET", f"{PATH}?{query}").json) == ids
