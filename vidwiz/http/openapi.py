"""The OpenAPI document: as quart-schema makes it, but an answer need not be JSON."""

from typing import Any

from quart_schema import OpenAPIProvider


class Document(OpenAPIProvider):
    """Documents an answer under the ``MEDIA_TYPE`` that its model names, JSON without one."""

    def build_response_object(self, model: Any, headers_model: Any) -> tuple[dict[str, Any], Any]:
        """The answer's description, and the components that it refers to."""
        answer, components = super().build_response_object(model, headers_model)
        media_type = getattr(model, "MEDIA_TYPE", "application/json")
        answer["content"][media_type] = answer["content"].pop("application/json")
        return answer, components
