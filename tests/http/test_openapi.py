"""The OpenAPI document holds every route, and the documentation works without the internet."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from quart import Quart
from quart_schema.validation import (
    QUART_SCHEMA_HEADERS_ATTRIBUTE,
    QUART_SCHEMA_QUERYSTRING_ATTRIBUTE,
    QUART_SCHEMA_REQUEST_ATTRIBUTE,
)
from werkzeug.routing import Rule

from tests.support import Api
from vidwiz.http.app import create_app
from vidwiz.http.openapi import WITHOUT_DATABASE
from vidwiz.http.requests import checked
from vidwiz.wiz.note_times import PATTERN

SECURITY: dict[str, Any] = {
    "user": [{"user": []}],
    "signed_in_user": [{"user": []}],
    "admin": [{"admin": []}],
    "user_or_admin": [{"user": []}, {"admin": []}],
    "guest": [{"guest": []}],
    "user_or_guest": [{"user": []}, {"guest": []}],
    "visitor_or_admin": [{"user": []}, {"guest": []}, {"admin": []}],
    "public": None,
}
WITHOUT_JSON = {
    ("POST", "/api/user/token"),
    ("POST", "/api/user/logout"),
    ("POST", "/api/videos/<video_id>/transcript"),
    ("POST", "/api/wiz/turns/<turn_id>/stop"),
    ("POST", "/api/audit/rebuild"),
}
DELETES_WITH_JSON = {"/api/user"}
METHODS = {"GET", "POST", "PATCH", "DELETE"}


def the_app() -> Quart:
    return create_app(Path("nowhere"))


def api_routes(app: Quart) -> Iterator[tuple[Rule, str, Any]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api"):
            for method in (rule.methods or set()) & METHODS:
                yield rule, method, app.view_functions[rule.endpoint]


@pytest.fixture(scope="module")
async def document(api: Api) -> dict[str, Any]:
    return dict((await api.client.get("/openapi.json")).raise_for_status().json())


def operation_of(document: dict[str, Any], rule: Rule, method: str) -> dict[str, Any]:
    path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)
    return dict(document["paths"][path][method.lower()])


def test_every_route_has_a_guard() -> None:
    guards = {rule.rule: getattr(view, "guard", None) for rule, _, view in api_routes(the_app())}
    assert len(guards) >= 15
    assert {rule for rule, guard in guards.items() if guard not in SECURITY} == set()


def test_every_public_route_that_writes_has_a_rate_limit() -> None:
    public = {
        rule.rule: getattr(view, "rate_limit", None)
        for rule, method, view in api_routes(the_app())
        if method != "GET" and view.guard == "public"
    }
    strangers = {"/api/user/login", "/api/user/signup", "/api/user/google/login", "/api/wiz/init"}
    assert strangers <= public.keys()
    assert {rule for rule, limit in public.items() if not limit} == set()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


def test_every_route_is_documented_with_its_security(document: dict[str, Any]) -> None:
    for rule, method, view in api_routes(the_app()):
        operation = operation_of(document, rule, method)
        assert operation.get("security") == SECURITY[view.guard], rule
        assert operation["tags"], rule
        assert operation["summary"], rule
        names = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert names == rule.arguments, rule
    assert document["components"]["securitySchemes"] == {
        "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "admin": {"type": "http", "scheme": "bearer"},
        "guest": {"type": "apiKey", "in": "header", "name": "X-Guest-Session-ID"},
    }


def test_every_route_documents_the_errors_it_may_answer(document: dict[str, Any]) -> None:
    for rule, method, view in api_routes(the_app()):
        operation = operation_of(document, rule, method)
        answers = operation["responses"]
        wanted = {
            "user": {"401"},
            "signed_in_user": {"401", "403"},
            "admin": {"401", "403"},
            "user_or_admin": {"401"},
            "guest": {"401"},
            "user_or_guest": {"401"},
            "visitor_or_admin": {"401"},
            "public": set(),
        }
        expected: set[str] = set(wanted[view.guard])
        expected |= {"400", "413", "422"} if "requestBody" in operation else set()
        expected |= {"429"} if getattr(view, "rate_limit", None) else set()
        assert expected <= answers.keys(), rule
        assert any(status.startswith("2") for status in answers), rule


def test_a_question_documents_the_stream_and_the_wait(document: dict[str, Any]) -> None:
    answers = document["paths"]["/api/wiz/chat"]["post"]["responses"]
    assert {"200", "202"} <= answers.keys()


def test_every_error_is_the_envelope(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) < 400 or path == "/api/health/ready":
                    continue
                schema = answer["content"]["application/json"]["schema"]
                assert schema["title"] == "ErrorEnvelope", path
                assert schema["required"] == ["error"]


def test_every_route_that_takes_json_documents_its_body(document: dict[str, Any]) -> None:
    for rule, method, _ in api_routes(the_app()):
        operation = operation_of(document, rule, method)
        writes = method in ("POST", "PATCH") and (method, rule.rule) not in WITHOUT_JSON
        takes_json = writes or (method == "DELETE" and rule.rule in DELETES_WITH_JSON)
        assert ("requestBody" in operation) == takes_json, rule


def test_every_route_documents_what_all_of_its_kind_share(document: dict[str, Any]) -> None:
    for rule, method, _ in api_routes(the_app()):
        operation = operation_of(document, rule, method)
        if rule.rule not in WITHOUT_DATABASE:
            assert "503" in operation["responses"], rule
        if "requestBody" in operation:
            assert operation["requestBody"]["required"] is True, rule
        for one in operation["parameters"]:
            schema = one["schema"]
            assert {"type": "null"} not in schema.get("anyOf", []), (rule, one)
            if one["in"] == "path":
                assert schema.keys() & {"pattern", "minLength"}, (rule, one)


def functions_of(schema: Any) -> Iterator[Any]:
    """The validators of our own in a model's core schema."""
    if isinstance(schema, list | tuple):
        for one in schema:
            yield from functions_of(one)
    elif isinstance(schema, dict):
        if str(schema.get("type", "")).startswith("function-"):
            yield schema["function"]["function"]
        for its in schema.values():
            yield from functions_of(its)


IN_THE_DESCRIPTION = {"_one_of_them", "_is_one", "_required_on_success", "instant_of", "moment_of"}
"""Rules over several fields, and readers of times."""


def test_every_rule_of_a_requests_field_shows_in_the_document() -> None:
    models = set()
    for _, _, view in api_routes(the_app()):
        found = getattr(view, QUART_SCHEMA_REQUEST_ATTRIBUTE, None)
        models |= {found[0]} if found else set()
        for attribute in (QUART_SCHEMA_QUERYSTRING_ATTRIBUTE, QUART_SCHEMA_HEADERS_ATTRIBUTE):
            models |= {its} if (its := getattr(view, attribute, None)) else set()
    assert len(models) >= 15
    shown = checked.functions()
    for model in models:
        for function in functions_of(model.__pydantic_core_schema__):
            name = getattr(function, "__name__", "")
            assert function in shown or name in IN_THE_DESCRIPTION, (model.__name__, name)


SECONDS = {"anyOf": [{"type": "number"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("path", "method", "field", "expected"),
    [
        ("/api/user/signup", "post", "password", {"minLength": 7, "maxLength": 1024}),
        ("/api/user/signup", "post", "name", {"minLength": 2}),
        ("/api/user/login", "post", "email", {"minLength": 1}),
        ("/api/videos/{video_id}", "patch", "summary", {"maxLength": 10_000}),
        ("/api/wiz/chat", "post", "message", {"minLength": 1}),
        ("/api/wiz/chat", "post", "conversation_id", {"minimum": 1}),
        ("/api/tasks/transcript", "post", "transcript",
         {"items": {"type": "object", "required": ["text"], "properties": {
             "text": {"type": "string"}, "offset": SECONDS, "duration": SECONDS}}}),
        ("/api/notes", "post", "timestamp", {"maxLength": 100, "pattern": PATTERN}),
        ("/api/notes", "post", "text", {"maxLength": 100_000}),
    ],
)  # fmt: skip
def test_limits_are_documented(
    document: dict[str, Any], path: str, method: str, field: str, expected: dict[str, Any]
) -> None:
    body = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    schema = body["properties"][field]
    kinds = [schema, *schema.get("anyOf", [])]
    assert any(expected.items() <= kind.items() for kind in kinds), schema


async def test_the_page_needs_nothing_of_another_host(api: Api) -> None:
    page = (await api.client.get("/docs")).raise_for_status()
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://|[\"'(]//", page.text) == []
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    types = {}
    for asset in assets:
        answer = (await api.client.get(asset)).raise_for_status()
        types[asset.rpartition(".")[2]] = answer.headers["content-type"].partition(";")[0]
        assert len(answer.content) > 100_000
        assert re.findall(rb"@import|sourceMappingURL=http", answer.content[:1000]) == []
    assert types == {"css": "text/css", "js": "text/javascript"}
    assert 'url: "/openapi.json"' in page.text


@pytest.mark.parametrize("path", ["/docs/../__init__.py", "/docs/%2e%2e/%2e%2e/__init__.py"])
async def test_the_pages_files_are_only_its_own(api: Api, path: str) -> None:
    answer = await api.client.get(path)
    assert "flask" not in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_a_stream_is_documented_as_one(document: dict[str, Any]) -> None:
    chat = document["paths"]["/api/wiz/chat"]["post"]["responses"]
    assert [*chat["200"]["content"]] == ["text/event-stream"]
    assert [*chat["202"]["content"]] == ["application/json"]
