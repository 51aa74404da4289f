"""The Quart app: routes, errors, OpenAPI."""

from importlib.resources import files
from pathlib import Path

from quart import Blueprint, Quart, Response, request, send_from_directory
from quart_schema import Info, QuartSchema, Server, hide
from werkzeug.exceptions import NotFound

from vidwiz.http.access.guards import SECURITY_SCHEMES, public
from vidwiz.http.audit.events import audit
from vidwiz.http.audit.maintenance import maintenance
from vidwiz.http.audit.witness import witness
from vidwiz.http.config import config
from vidwiz.http.errors import register_error_handlers
from vidwiz.http.export import export
from vidwiz.http.health import health
from vidwiz.http.limits.bodies import BoundedRequest
from vidwiz.http.live import live
from vidwiz.http.note_history import note_history
from vidwiz.http.notes import notes
from vidwiz.http.openapi import Document
from vidwiz.http.requests.context import ROUTE, scope
from vidwiz.http.responses.security import NOTHING, docs_policy
from vidwiz.http.responses.static import get_static
from vidwiz.http.tasks import tasks
from vidwiz.http.users import users
from vidwiz.http.videos.routes import videos
from vidwiz.http.videos.search import search
from vidwiz.http.videos.transcripts import transcripts
from vidwiz.http.wiz import wiz

DOCS = "/docs"
API = (
    users,
    notes,
    note_history,
    videos,
    transcripts,
    search,
    tasks,
    wiz,
    live,
    config,
    export,
    audit,
    maintenance,
    witness,
)
SWAGGER_FILES = files("flask_openapi3_swagger") / "templates" / "swagger"


def create_app(static_dir: Path, policy: str = NOTHING, base_path: str = "") -> Quart:
    """The app; whoever runs it puts its ``Services`` where ``services()`` finds them.

    ``policy`` is the Content-Security-Policy of the web app in ``static_dir``, ``base_path`` what
    whoever runs it gives as ASGI's ``root_path``, such as ``/vidwiz``.
    """
    app = Quart("vidwiz", static_folder=None)
    app.request_class = BoundedRequest
    app.config.update(
        QUART_SCHEMA_SWAGGER_JS_URL=f"{base_path}/docs/js/swagger-ui-bundle.js",
        QUART_SCHEMA_SWAGGER_CSS_URL=f"{base_path}/docs/css/swagger-ui.css",
        QUART_SCHEMA_CONVERSION_PREFERENCE="pydantic",
    )
    api = Blueprint("api", __name__, url_prefix="/api")
    for blueprint in API:
        api.register_blueprint(blueprint)
    app.register_blueprint(api)
    app.register_blueprint(health)
    app.add_url_rule("/docs/<path:name>", view_func=get_docs_file)
    register_error_handlers(app)
    app.before_request(_name_the_route)
    app.after_request(_guard_the_docs)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    @app.errorhandler(NotFound)
    async def no_route(_: NotFound) -> Response:
        return await get_static(static_dir, policy)

    make_response = app.make_response
    QuartSchema(
        app,
        info=Info(title="VidWiz", version="1"),
        servers=[Server(url=base_path)] if base_path else None,
        security_schemes=SECURITY_SCHEMES,
        openapi_provider_class=Document,
        redoc_ui_path=None,
        scalar_ui_path=None,
    )
    # Handlers answer with responses; looking each one through for models would cost every request.
    app.make_response = make_response  # type: ignore[method-assign]
    return app


@hide
@public
async def get_docs_file(name: str) -> Response:
    """The documentation page's own files, so that it works without the internet."""
    answer: Response = await send_from_directory(str(SWAGGER_FILES), name)
    return answer


async def _guard_the_docs(answer: Response) -> Response:
    if request.path == DOCS:
        page = await answer.get_data(as_text=False)
        answer.headers["Content-Security-Policy"] = docs_policy(page)
    return answer


async def _name_the_route() -> None:
    if request.url_rule is not None:
        scope()[ROUTE] = request.url_rule.rule
