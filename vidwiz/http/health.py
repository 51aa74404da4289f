"""Health, readiness and metrics."""

from dataclasses import asdict
from typing import Any

import structlog
from quart import Blueprint, Response
from quart_schema import document_response, hide

from vidwiz import metrics
from vidwiz.event_store import statements
from vidwiz.event_store.schema_check import what_is_missing
from vidwiz.http.access.guards import public
from vidwiz.http.documented import documented
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.postgres import migrate
from vidwiz.postgres.pool import DatabaseReadOnly, DatabaseUnavailable

health = Blueprint("health", __name__)

log = structlog.get_logger(__name__)


@health.get("/api/health/live")
@documented("health", models.Live)
@public
async def get_live() -> Response:
    """The process answers."""
    return json_answer({"status": "ok"})


@health.get("/api/health/ready")
@document_response(models.Ready, 503)
@documented("health", models.Ready)
@public
async def get_ready() -> Response:
    """Requests can be served: database there, migrations at head; and how far signals lag.

    What is wrong with the log's checkpoints is told here too, but stops nobody from being served.
    """
    try:
        await services().database.require_writable()
        if not services().store.is_connected:  # the pool may have the last ones there are
            await (await services().database.connect("readiness")).close()
        revision = await services().database.one(migrate.REVISION)
        head = await services().database.one(statements.HEAD)
        async with services().database.borrowed() as connection:
            missing = await what_is_missing(connection)
    except DatabaseUnavailable as error:
        log.warning("not ready", error=str(error))
        state = "read-only" if isinstance(error, DatabaseReadOnly) else "unavailable"
        answer = json_answer({"status": "unavailable", "database": state}, 503)
        answer.headers["Retry-After"] = "1"
        return answer
    if missing:
        log.warning("not ready", error="; ".join(missing))
    at = revision[0] if revision else None
    position = head[0] if head else 0
    ready = at == services().head_revision and services().store.running and not missing
    return json_answer(
        {
            "status": "ok" if ready else "unavailable",
            "database": "incomplete" if missing else "ok",
            "writer": "ok" if services().store.running else "restarting",
            "migrations": {"at": at, "head": services().head_revision},
            "log": {
                "position": position,
                "follower_lag": max(0, position - services().signals.head),
            },
            "checkpoints": checkpoints(),
        },
        200 if ready else 503,
        None if ready else {"Retry-After": "1"},
    )


def checkpoints() -> dict[str, Any]:
    """How the checkpoints, their copies and their witnesses stand."""
    witnesses = [asdict(one) for one in services().keeper.witnessing.states]
    return {**asdict(services().keeper.evidence), "witnesses": witnesses}


@health.get("/metrics")
@hide
@public
async def get_metrics() -> Response:
    """Counters of this service in Prometheus' text format, for those who may scrape."""
    services().scrapers.require()
    metrics.LOG_HEAD.set(services().signals.head)
    try:
        await services().quotas.measure()
    except DatabaseUnavailable as error:
        log.warning("the quotas cannot be measured", error=str(error))
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
