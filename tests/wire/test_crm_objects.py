"""CRM objects: create, read, update and archive one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.http.app import Application

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AssertAnswer, AsToken, Build


CREATED = "2023-02-27T21:40:17.518Z"
LIST = "/crm/v3/objects/contacts"

DEFAULTS = {
    "contacts": ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
    "companies": ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
    "deals": [
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ],
    "tickets": [
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ],
}
MODIFIED = {name: "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate" for name in DEFAULTS}
TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5"}
SOURCE = {"hs_object_source": "INTEGRATION", "hs_object_source_label": "INTEGRATION"}


def text_of(value: dict[str, Any] | tuple[Any, ...]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def problem(name: str, code: str, message: str, portal_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message and the members of the recorded refusal of one property."""
    details = {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
        "portalId": portal_id,
    }
    error = {"message": message, "code": code, "context": {"propertyName": [name]}}
    return details, error


def assert_invalid(
    response: TestResponse,
    assert_refused: Callable[..., None],
    problems: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    details, errors = zip(*problems, strict=True)
    assert_refused(
        response,
        400,
        f"Property values were not valid: {text_of(details)}",
        errors=list(errors),
        category="VALIDATION_ERROR",
    )


class TestCreate:
    def test_a_contact_is_answered_with_201_in_wire_order(self, sim: Simulator, api: Api) -> None:
        properties = {"lastname": "Doe", "email": "Jane@Example.com", "firstname": "Jane", "company": "Acme"}
        response = api("POST", LIST, json={"properties": properties})
        record_id = response.json["id"]
        portal = sim.portal.hub_id
        assert response.status_code == 201
        assert record_id.isdecimal()
        assert response.text == text_of(
            {
                "id": record_id,
                "properties": {
                    "company": "Acme",
                    "createdate": CREATED,
                    "email": "jane@example.com",
                    "firstname": "Jane",
                    "hs_all_contact_vids": record_id,
                    "hs_email_domain": "example.com",
                    "hs_full_name_or_email": "Jane Doe",
                    "hs_is_contact": "true",
                    "hs_is_unworked": "true",
                    "hs_object_id": record_id,
                    "hs_object_source": "INTEGRATION",
                    "hs_object_source_id": str(sim.app.app_id),
                    "hs_object_source_label": "INTEGRATION",
                    "hs_pipeline": "contacts-lifecycle-pipeline",
                    "lastmodifieddate": CREATED,
                    "lastname": "Doe",
                    "lifecyclestage": "lead",
                },
                "createdAt": CREATED,
                "updatedAt": CREATED,
                "archived": False,
                "url": f"https://app.hubspot.com/contacts/{portal}/record/0-1/{record_id}",
            }
        )

    @pytest.mark.parametrize(
        ("type_name", "written", "added"),
        [
            ("companies", {"domain": "b.co"}, {"lifecyclestage": "lead", "website": "b.co"}),
            ("companies", {"domain": "b.co", "website": "a.co"}, {"lifecyclestage": "lead"}),
            ("deals", {"dealname": "Big"}, {}),
            ("tickets", {"subject": "Help"}, {"hs_ticket_id": "{id}", "hs_is_closed": "false"}),
        ],
    )
    def test_other_types_have_their_own_calculated_properties(
        self, sim: Simulator, api: Api, type_name: str, written: dict[str, str], added: dict[str, Any]
    ) -> None:
        got = api.create(type_name, **written)
        expected = {
            **written,
            **added,
            **SOURCE,
            "createdate": CREATED,
            "hs_lastmodifieddate": CREATED,
            "hs_object_id": "{id}",
            "hs_object_source_id": str(sim.app.app_id),
        }
        assert got["properties"] == {name: value.replace("{id}", got["id"]) for name, value in expected.items()}
        assert list(got["properties"]) == sorted(got["properties"])
        assert got["url"].endswith(f"/record/{TYPE_IDS[type_name]}/{got['id']}")

    @pytest.mark.parametrize(
        ("value", "stored"),
        [
            (10000, "10000"),
            (-1, "-1"),
            (1.5, "1.5"),
            ("5000.00", "5000.00"),
            (True, "true"),
            (False, "false"),
            ("a;b", "a;b"),
            ("", None),
            (None, None),
            ("é 漢 \U0001f600 \u2028", "é 漢 \U0001f600 \u2028"),
            ('"\\\t', '"\\\t'),
        ],
    )
    def test_a_value_is_kept_as_text_or_null(
        self, api: Api, value: bool | float | str | None, stored: str | None
    ) -> None:
        got = api.create("deals", dealname=value)
        assert got["properties"]["dealname"] == stored
        assert api.get(f"/crm/v3/objects/deals/{got['id']}")["properties"]["dealname"] == stored

    @pytest.mark.parametrize(
        ("value", "stored"),
        [
            ("2026-12-31", "2026-12-31T00:00:00Z"),
            ("2026-12-31T10:00:00.120Z", "2026-12-31T10:00:00.120Z"),
            ("2026-12-31T10:00:00+02:00", "2026-12-31T08:00:00Z"),
            (1_677_534_017_518, CREATED),
            ("1677534017000", "2023-02-27T21:40:17Z"),
            (0, "1970-01-01T00:00:00Z"),
            ("", None),
        ],
    )
    def test_a_date_is_kept_as_an_instant(self, api: Api, value: int | str, stored: str | None) -> None:
        assert api.create("deals", closedate=value)["properties"]["closedate"] == stored

    @pytest.mark.parametrize(
        "value", ["soon", "2026-13-01", "Zulu Z", "Z", 1e300, "99999999999999999", "9999999999999999999999"]
    )
    def test_what_is_no_date_is_refused(self, api: Api, value: float | str) -> None:
        response = api("POST", "/crm/v3/objects/deals", json={"properties": {"closedate": value}})
        assert response.status_code == 400
        assert response.json["errors"][0]["code"] == "INVALID_DATE"

    def test_an_empty_association_list_and_other_members_pass(self, api: Api) -> None:
        body = {"properties": {}, "associations": [], "objectWriteTraceId": "x"}
        assert api("POST", LIST, json=body).status_code == 201

    def test_ids_ascend(self, api: Api) -> None:
        ids = [int(api.create("deals")["id"]) for _ in range(20)]
        assert ids == sorted(set(ids))

    def test_a_simulator_gives_the_same_ids_each_time_and_one_of_another_name_others(self, build: Build) -> None:
        def first_id(name: str) -> str:
            sim = build(name=name)
            headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
            return Client(Application(sim)).post(LIST, json={"properties": {}}, headers=headers).json["id"]

        assert first_id("a") == first_id("a") != first_id("b")


class TestConflict:
    @pytest.mark.parametrize("email", ["jane@b.co", "JANE@b.co", " jane@b.co "])
    def test_a_taken_email_is_a_conflict(self, api: Api, assert_refused: AssertAnswer, email: str) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        assert_refused(
            api("POST", LIST, json={"properties": {"email": email}}),
            409,
            f"Contact already exists. Existing ID: {record_id}",
            category="CONFLICT",
        )
        assert len(api.get(LIST)["results"]) == 1

    def test_the_email_of_an_archived_contact_is_free(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        api("DELETE", f"{LIST}/{record_id}")
        assert api.create("contacts", email="jane@b.co")["id"] != record_id

    def test_the_email_that_a_contact_had_is_free(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        api("PATCH", f"{LIST}/{record_id}", json={"properties": {"email": "new@b.co"}})
        api.create("contacts", email="jane@b.co")
        assert api("POST", LIST, json={"properties": {"email": "new@b.co"}}).status_code == 409

    @pytest.mark.parametrize("email", ["", None])
    def test_no_email_conflicts_with_no_email(self, api: Api, email: str | None) -> None:
        api.create("contacts", email=email)
        api.create("contacts", email=email)
        assert len(api.get(LIST)["results"]) == 2

    def test_companies_may_share_a_domain(self, api: Api) -> None:
        api.create("companies", domain="b.co")
        api.create("companies", domain="b.co")
        assert len(api.get("/crm/v3/objects/companies")["results"]) == 2

    def test_an_update_to_a_taken_email_is_invalid(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer
    ) -> None:
        taken = api.create("contacts", email="jane@b.co")["id"]
        record_id = api.create("contacts")["id"]
        assert_refused(
            api("PATCH", f"{LIST}/{record_id}", json={"properties": {"email": "jane@b.co"}}),
            400,
            f"Cannot set PropertyValueCoordinates{{portalId={sim.portal.hub_id}, "
            "objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=jane@b.co} "
            f"on {record_id}. {taken} already has that value.",
            category="VALIDATION_ERROR",
        )

    def test_an_update_with_the_same_email_is_no_conflict(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        response = api("PATCH", f"{LIST}/{record_id}", json={"properties": {"email": "jane@b.co"}})
        assert response.status_code == 200


@pytest.fixture(params=["POST", "PATCH"])
def write(request: pytest.FixtureRequest, api: Api) -> Callable[..., TestResponse]:
    """Write properties, by a create or by an update; other arguments replace the JSON body."""

    def write(properties: dict[str, str] | None = None, type_name: str = "contacts", **kwargs: Any) -> TestResponse:
        path = f"/crm/v3/objects/{type_name}"
        if request.param == "PATCH":
            path += f"/{api.create(type_name)['id']}"
        return api(request.param, path, **(kwargs or {"json": {"properties": properties}}))

    return write


class TestValidation:
    @pytest.mark.parametrize("email", ["test222", "a@b", "@b.co", "a b@c.co", "a@b.co, c@d.co"])
    def test_an_invalid_email(
        self, sim: Simulator, write: Callable[..., TestResponse], assert_refused: AssertAnswer, email: str
    ) -> None:
        expected = problem("email", "INVALID_EMAIL", f"Email address {email} is invalid", sim.portal.hub_id)
        assert_invalid(write({"email": email}), assert_refused, [expected])

    @pytest.mark.parametrize(
        ("type_name", "name"),
        [(name, "hs_object_id") for name in DEFAULTS] + list(MODIFIED.items()),
    )
    def test_a_read_only_property(
        self,
        sim: Simulator,
        write: Callable[..., TestResponse],
        assert_refused: AssertAnswer,
        type_name: str,
        name: str,
    ) -> None:
        message = f'"{name}" is a read only property; its value cannot be set.'
        expected = problem(name, "READ_ONLY_VALUE", message, sim.portal.hub_id)
        assert_invalid(write({name: "1"}, type_name), assert_refused, [expected])

    def test_several_problems_are_told_at_once_and_nothing_is_written(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer
    ) -> None:
        record_id = api.create("contacts", firstname="Jane")["id"]
        properties = {"firstname": "New", "hs_object_id": 1, "email": 'a"b'}
        assert_invalid(
            api("PATCH", f"{LIST}/{record_id}", json={"properties": properties}),
            assert_refused,
            [
                problem(
                    "hs_object_id",
                    "READ_ONLY_VALUE",
                    '"hs_object_id" is a read only property; its value cannot be set.',
                    sim.portal.hub_id,
                ),
                problem("email", "INVALID_EMAIL", 'Email address a"b is invalid', sim.portal.hub_id),
            ],
        )
        assert api.get(f"{LIST}/{record_id}")["properties"]["firstname"] == "Jane"

    def test_a_refused_create_leaves_nothing_behind(self, api: Api) -> None:
        api("POST", LIST, json={"properties": {"email": "nonsense"}})
        assert api.get(LIST) == {"results": []}

    def test_property_names_are_lower_case(
        self, write: Callable[..., TestResponse], assert_refused: AssertAnswer
    ) -> None:
        assert_refused(
            write({"firstName": "Jane", "ok": "1", "last name": "Doe"}),
            400,
            "Names for properties should be lowercase and have less than 100 characters. "
            "Invalid names: [firstName, last name]",
            category="VALIDATION_ERROR",
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"properties": {"email": "a@b.co"},}',
            b"properties=1",
            b"\xff\xfe\x00",
            b'"\xff"',
            b'{"properties": {"amount": NaN}}',
            b'{"properties": {"amount": -Infinity}}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"properties": {"amount": ' + b"9" * 5_000 + b"}}",
        ],
        ids=lambda body: repr(body[:30]),
    )
    def test_what_is_no_json_is_invalid_input(
        self, write: Callable[..., TestResponse], assert_refused: AssertAnswer, body: bytes
    ) -> None:
        response = write(data=body, content_type="application/json")
        assert response.json["message"].startswith("Invalid input JSON on line 1, column ")
        assert_refused(response, 400, response.json["message"], category="VALIDATION_ERROR")

    def test_the_place_of_a_json_error_is_told(self, write: Callable[..., TestResponse]) -> None:
        response = write(data=b'{\n "properties": x\n}', content_type="application/json")
        assert response.json["message"].startswith("Invalid input JSON on line 2, column 16: ")

    @pytest.mark.parametrize(
        "body",
        [
            [],
            "text",
            1,
            None,
            {},
            {"email": "a@b.co"},
            {"properties": None},
            {"properties": []},
            {"properties": "email"},
            {"properties": {"email": ["a@b.co"]}},
            {"properties": {"email": {"value": "a@b.co"}}},
        ],
        ids=str,
    )
    def test_json_of_another_shape_is_invalid_input(
        self, write: Callable[..., TestResponse], assert_refused: AssertAnswer, body: object
    ) -> None:
        response = write(data=json.dumps(body), content_type="application/json")
        assert response.json["message"].startswith("Invalid input JSON on line 1, column 1: ")
        assert_refused(response, 400, response.json["message"], category="VALIDATION_ERROR")

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    def test_other_content_types_are_unsupported(
        self, write: Callable[..., TestResponse], assert_refused: AssertAnswer, content_type: str
    ) -> None:
        response = write(data=b'{"properties": {}}', content_type=content_type)
        assert_refused(response, 415, "HTTP 415 Unsupported Media Type")

    @pytest.mark.parametrize(
        "content_type", ["application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json", None]
    )
    def test_json_content_types_pass(self, write: Callable[..., TestResponse], content_type: str | None) -> None:
        assert write(data=b'{"properties": {}}', content_type=content_type).status_code in (200, 201)


class TestRead:
    @pytest.mark.parametrize("type_name", DEFAULTS)
    def test_the_defaults_of_the_type_are_shown_and_null_while_unset(self, api: Api, type_name: str) -> None:
        record_id = api.create(type_name, description="x")["id"]
        got = api.get(f"/crm/v3/objects/{type_name}/{record_id}")
        always = {"hs_object_id": record_id, "createdate": CREATED, MODIFIED[type_name]: CREATED}
        assert list(got["properties"]) == DEFAULTS[type_name]
        assert got["properties"] == {name: always.get(name) for name in DEFAULTS[type_name]}
        assert list(got) == ["id", "properties", "createdAt", "updatedAt", "archived", "url"]

    def test_a_list_shows_what_a_read_shows(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co", phone="1")["id"]
        assert api.get(LIST)["results"] == [api.get(f"{LIST}/{record_id}")]
        shown = [api.get(path, properties="phone") for path in (LIST, f"{LIST}/{record_id}")]
        assert shown[0]["results"] == [shown[1]]

    @pytest.mark.parametrize(
        "query",
        [
            "properties=phone&properties=jobtitle&properties=no_such_property",
            "properties=phone,jobtitle,no_such_property",
            "properties=phone%2Cjobtitle&properties=no_such_property",
            "properties=jobtitle,,phone&properties=&properties=phone",
        ],
    )
    def test_the_properties_asked_for_replace_the_defaults(self, api: Api, query: str) -> None:
        record_id = api.create("contacts", email="jane@b.co", phone="1")["id"]
        assert api("GET", f"{LIST}/{record_id}?{query}").json["properties"] == {
            "createdate": CREATED,
            "hs_object_id": record_id,
            "jobtitle": None,
            "lastmodifieddate": CREATED,
            "phone": "1",
        }

    def test_a_property_that_was_ever_written_is_known(self, api: Api) -> None:
        api.create("contacts", favourite_colour="red")
        record_id = api.create("contacts")["id"]
        got = api.get(f"{LIST}/{record_id}", properties="favourite_colour,shoe_size")["properties"]
        assert got["favourite_colour"] is None
        assert "shoe_size" not in got

    def test_no_properties_asked_for_means_the_defaults(self, api: Api) -> None:
        record_id = api.create("contacts")["id"]
        assert list(api.get(f"{LIST}/{record_id}?properties=")["properties"]) == DEFAULTS["contacts"]

    @pytest.mark.parametrize("key", ["jane@b.co", "JANE@B.CO", "jane%40b.co"])
    def test_a_contact_is_found_by_its_email(self, api: Api, key: str) -> None:
        record_id = api.create("contacts", email="Jane@b.co")["id"]
        assert api.get(f"{LIST}/{key}", idProperty="email")["id"] == record_id

    def test_a_contact_is_found_by_its_id_as_a_property(self, api: Api) -> None:
        record_id = api.create("contacts")["id"]
        assert api.get(f"{LIST}/{record_id}", idProperty="hs_object_id")["id"] == record_id

    def test_a_property_that_is_not_unique_finds_nothing(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer
    ) -> None:
        assert_refused(
            api("GET", f"{LIST}/Jane?idProperty=firstname"),
            400,
            f"Unable to perform read by non-unique 0-1 property firstname in portal ID {sim.portal.hub_id}",
            category="VALIDATION_ERROR",
        )

    def test_a_text_with_other_characters_comes_back_as_utf_8(self, api: Api) -> None:
        record_id = api.create("contacts", firstname="Zoë 漢字 \U0001f600")["id"]
        assert '"Zoë 漢字 \U0001f600"'.encode() in api("GET", f"{LIST}/{record_id}").get_data()

    def test_a_lone_surrogate_does_not_break_later_reads(self, api: Api) -> None:
        body = b'{"properties": {"firstname": "a\\ud800b", "email": "\\udfff@b.co"}}'
        response = api("POST", LIST, data=body, content_type="application/json")
        assert response.status_code == 201
        assert api.get(LIST)["results"][0]["properties"]["firstname"] == "a?b"

    def test_portals_and_types_are_apart(self, sim: Simulator, api: Api, as_token: AsToken) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        there = as_token(sim.install(portal=sim.add_portal()).access_token)
        assert there.get(LIST) == {"results": []}
        assert there("GET", f"{LIST}/{record_id}").status_code == 404
        assert api("GET", f"/crm/v3/objects/deals/{record_id}").status_code == 404
        assert there.create("contacts", email="jane@b.co")


class TestNotFound:
    METHODS = pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"properties": {}})])

    @METHODS
    @pytest.mark.parametrize("record_id", ["1", "0", "99999999999", "9999999999999999999"])
    def test_an_unknown_id(
        self,
        api: Api,
        assert_refused: AssertAnswer,
        method: str,
        body: dict[str, dict[str, Any]] | None,
        record_id: str,
    ) -> None:
        assert_refused(api(method, f"{LIST}/{record_id}", json=body), 404, "resource not found")

    @pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"properties": {}}), ("DELETE", None)])
    @pytest.mark.parametrize("record_id", ["abc", "1a", "-1", "1.0", "²", "٣", "a b", "9" * 20, "\x00"])
    def test_an_id_that_is_no_number(
        self,
        api: Api,
        assert_refused: AssertAnswer,
        method: str,
        body: dict[str, dict[str, Any]] | None,
        record_id: str,
    ) -> None:
        assert_refused(
            api(method, f"{LIST}/{record_id}", json=body),
            404,
            "Object not found.  objectId are usually numeric.",
            context={"id": [record_id]},
            category="OBJECT_NOT_FOUND",
        )

    @METHODS
    def test_an_unknown_email(
        self, api: Api, assert_refused: AssertAnswer, method: str, body: dict[str, dict[str, Any]] | None
    ) -> None:
        response = api(method, f"{LIST}/no@b.co?idProperty=email", json=body)
        assert_refused(response, 404, "resource not found")

    @pytest.mark.parametrize(
        "accept", ["application/json", "*/*", "application/json, */*;q=0.8", "application/*", "text/html, */*;q=0.1"]
    )
    def test_who_takes_json_gets_json(self, api: Api, assert_refused: AssertAnswer, accept: str) -> None:
        assert_refused(api("GET", f"{LIST}/1", headers={"Accept": accept}), 404, "resource not found")

    @pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml", "image/png"])
    def test_who_does_not_take_json_gets_a_page(
        self, api: Api, assert_not_found_page: AssertAnswer, accept: str
    ) -> None:
        assert_not_found_page(api("GET", f"{LIST}/1", headers={"Accept": accept}))


class TestUpdate:
    def test_an_update_changes_what_it_names_and_the_time(self, sim: Simulator, api: Api) -> None:
        before = api.create("contacts", firstname="Jane", lastname="Doe")
        sim.clock.advance(minutes=1)
        response = api("PATCH", f"{LIST}/{before['id']}", json={"properties": {"lastname": "Roe", "phone": 5}})
        got = response.json
        assert response.status_code == 200
        assert list(got) == ["id", "properties", "createdAt", "updatedAt", "archived", "url"]
        assert list(got["properties"]) == sorted(got["properties"])
        later = "2023-02-27T21:41:17.518Z"
        assert got == {
            **before,
            "updatedAt": later,
            "properties": {**before["properties"], "lastname": "Roe", "phone": "5", "lastmodifieddate": later},
        }
        assert api.get(f"{LIST}/{before['id']}")["updatedAt"] == later

    @pytest.mark.parametrize("value", ["", None])
    def test_an_empty_value_clears_a_property(self, api: Api, value: str | None) -> None:
        record_id = api.create("contacts", firstname="Jane")["id"]
        response = api("PATCH", f"{LIST}/{record_id}", json={"properties": {"firstname": value}})
        assert response.json["properties"]["firstname"] is None
        assert api.get(f"{LIST}/{record_id}")["properties"]["firstname"] is None

    def test_a_contact_is_updated_by_its_email(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        response = api("PATCH", f"{LIST}/Jane@b.co?idProperty=email", json={"properties": {"firstname": "Jane"}})
        assert (response.json["id"], response.json["properties"]["firstname"]) == (record_id, "Jane")

    def test_a_refused_update_does_not_move_the_time(self, sim: Simulator, api: Api) -> None:
        before = api.create("contacts")
        sim.clock.advance(minutes=1)
        api("PATCH", f"{LIST}/{before['id']}", json={"properties": {"email": "nonsense"}})
        assert api.get(f"{LIST}/{before['id']}")["updatedAt"] == before["updatedAt"]

    def test_an_archived_object_is_not_found(self, api: Api, assert_refused: AssertAnswer) -> None:
        record_id = api.create("contacts")["id"]
        api("DELETE", f"{LIST}/{record_id}")
        response = api("PATCH", f"{LIST}/{record_id}", json={"properties": {"firstname": "Jane"}})
        assert_refused(response, 404, "resource not found")


class TestArchive:
    def test_an_archived_object_is_gone_from_reads(self, api: Api, assert_refused: AssertAnswer) -> None:
        kept, archived = (api.create("contacts")["id"] for _ in range(2))
        response = api("DELETE", f"{LIST}/{archived}")
        assert (response.status_code, response.get_data()) == (204, b"")
        assert [record["id"] for record in api.get(LIST)["results"]] == [kept]
        assert_refused(api("GET", f"{LIST}/{archived}"), 404, "resource not found")

    @pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
    def test_an_archived_object_is_read_when_asked_for(self, sim: Simulator, api: Api, flag: str) -> None:
        _, record_id = (api.create("contacts")["id"] for _ in range(2))
        sim.clock.advance(seconds=1)
        api("DELETE", f"{LIST}/{record_id}")
        got = api.get(f"{LIST}/{record_id}", archived=flag)
        assert list(got) == ["id", "properties", "createdAt", "updatedAt", "archived", "archivedAt", "url"]
        assert got["archived"] is True
        assert got["archivedAt"] == "2023-02-27T21:40:18.518Z"
        assert api.get(LIST, archived=flag)["results"] == [got]

    @pytest.mark.parametrize(
        "query", ["archived=false", "archived=False", "archived=", "archived=1", "archived=false&archived=true"]
    )
    def test_anything_else_than_true_first_means_not_archived(self, api: Api, query: str) -> None:
        record_id = api.create("contacts")["id"]
        assert [record["id"] for record in api.get(f"{LIST}?{query}")["results"]] == [record_id]

    @pytest.mark.parametrize("record_id", ["1234567890", "0", "9999999999999999999"])
    def test_an_id_that_never_was_is_archived_without_a_word(self, api: Api, record_id: str) -> None:
        assert api("DELETE", f"{LIST}/{record_id}").status_code == 204

    def test_archiving_twice_keeps_the_first_time(self, sim: Simulator, api: Api) -> None:
        record_id = api.create("contacts")["id"]
        api("DELETE", f"{LIST}/{record_id}")
        sim.clock.advance(seconds=1)
        assert api("DELETE", f"{LIST}/{record_id}").status_code == 204
        assert api.get(f"{LIST}/{record_id}", archived="true")["archivedAt"] == CREATED

    def test_an_archived_contact_is_not_found_by_email(self, api: Api) -> None:
        record_id = api.create("contacts", email="jane@b.co")["id"]
        api("DELETE", f"{LIST}/{record_id}")
        assert api("GET", f"{LIST}/jane@b.co?idProperty=email").status_code == 404
