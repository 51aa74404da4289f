"""The OpenAPI document: as quart-schema makes it, and what all routes have in common.

A route says what it answers; what follows from its guard, its rate limit, its body and its query is
said here, once, for all of them.
"""

import re
from collections.abc import Mapping
from typing import Any

from quart_schema import OpenAPIProvider
from werkzeug.routing import Rule

from vidwiz.http.documented import Nothing
from vidwiz.http.errors import ErrorEnvelope
from vidwiz.http.limits.bodies import MOST_MEMBERS

NUMBER = {"type": "string", "pattern": "^[0-9]{1,18}$"}
IN_PATHS: Mapping[str, Mapping[str, Any]] = {
    "note_id": NUMBER,
    "conversation_id": NUMBER,
    "turn_id": NUMBER,
    "position": NUMBER,
    "correlation_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    "video_id": {"type": "string", "minLength": 1, "examples": ["dQw4w9WgXcQ"]},
}
"""What names a thing there; anything else names nothing, and is a 404."""
OF_GUARDS = {
    "user": (401,),
    "admin": (401, 403),
    "user_or_admin": (401,),
    "guest": (401,),
    "user_or_guest": (401,),
    "visitor_or_admin": (401,),
}
OF_BODIES = (400, 413, 422)
WITHOUT_DATABASE = {"/api/health/live", "/api/config"}


class Document(OpenAPIProvider):
    """Documents an answer under the ``MEDIA_TYPE`` that its model names, JSON without one."""

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """The path's operations, with the errors that they share with others."""
        paths, components = super().build_paths(rule)
        view = self._app.view_functions[rule.endpoint]
        for operations in paths.values():
            for operation in operations.values():
                answers = operation["responses"]
                for status in _shared_errors(rule, view, operation):
                    if status not in answers:
                        answers[status], _ = self.build_response_object(ErrorEnvelope, None)
        return paths, components

    def build_path_parameter(self, name: str, converter: Any) -> dict[str, Any]:
        """The parameter, with what can stand there."""
        parameter = super().build_path_parameter(name, converter)
        return {**parameter, "schema": {**parameter["schema"], **IN_PATHS.get(name, {})}}

    def build_querystring_parameters(self, model: Any) -> tuple[list[dict[str, Any]], Any]:
        """The parameters; one that is left out is not null but absent."""
        parameters, components = super().build_querystring_parameters(model)
        required = set(model.model_json_schema().get("required", ()))
        for parameter in parameters:
            parameter["schema"] = _without_null(parameter["schema"])
            if parameter["name"] in required:
                parameter["required"] = True
        return parameters, components

    def build_headers_parameters(self, model: Any) -> tuple[list[dict[str, Any]], Any]:
        """The same of headers."""
        parameters, components = super().build_headers_parameters(model)
        for parameter in parameters:
            parameter["schema"] = _without_null(parameter["schema"])
        return parameters, components

    def build_request_body(self, model: Any, source: Any) -> tuple[dict[str, Any], Any]:
        """The body, which is required, is not empty, and does not have too many members."""
        body, components = super().build_request_body(model, source)
        for content in body["content"].values():
            content["schema"] = {
                **content["schema"],
                "minProperties": 1,
                "maxProperties": MOST_MEMBERS,
            }
        return {**body, "required": True}, components

    def build_response_object(self, model: Any, headers_model: Any) -> tuple[dict[str, Any], Any]:
        """The answer's description, and the components that it refers to."""
        answer, components = super().build_response_object(model, headers_model)
        media_type = getattr(model, "MEDIA_TYPE", "application/json")
        answer["content"][media_type] = answer["content"].pop("application/json")
        if model is Nothing:
            del answer["content"]
        return answer, components


def _shared_errors(rule: Rule, view: Any, operation: Mapping[str, Any]) -> set[int]:
    errors = {*OF_GUARDS.get(getattr(view, "guard", ""), ())}
    if "requestBody" in operation:
        errors |= {*OF_BODIES}
    if getattr(view, "rate_limit", None):
        errors.add(429)
    if re.match("/api/", rule.rule) and rule.rule not in WITHOUT_DATABASE:
        errors.add(503)
    return errors


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: its for name, its in schema.items() if name not in ("anyOf", "default")}
    default = {} if schema.get("default") is None else {"default": schema["default"]}
    if len(kinds) == 1:
        return {**rest, **kinds[0], **default}
    return {**rest, **({"anyOf": kinds} if kinds else {}), **default}
