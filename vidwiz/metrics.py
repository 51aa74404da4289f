"""What the service counts about itself, for Prometheus."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Counter(
    "vidwiz_http_requests_total", "Requests answered.", ["method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "vidwiz_http_request_seconds",
    "Time to the end of the answer, in seconds; long polls include their wait.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 60),
)
COMMANDS = Counter("vidwiz_commands_total", "Commands decided.", ["command", "outcome"])
BATCH_SIZE = Histogram(
    "vidwiz_commit_batch_size",
    "Commands that shared one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
TRANSACTION_SECONDS = Histogram(
    "vidwiz_transaction_seconds",
    "Time from BEGIN to the end of COMMIT, in seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1),
)
WAITING_WORKERS = Gauge(
    "vidwiz_waiting_workers",
    "Long polls that wait for a task.",
    ["task_type"],
    multiprocess_mode="livesum",
)
ANSWERING = Gauge(
    "vidwiz_answering_turns", "Questions that are being answered.", multiprocess_mode="livesum"
)
LIVE_STREAMS = Gauge(
    "vidwiz_live_streams", "Open streams of what changes.", multiprocess_mode="livesum"
)
TURNS = Counter("vidwiz_turns_total", "Turns that ended.", ["outcome"])
LOST_TRANSCRIPTS = Counter(
    "vidwiz_lost_transcripts_total",
    "Transcripts that the object store had no more, or not unchanged.",
)
CONNECTIONS_CLOSED = Counter(
    "vidwiz_connections_closed_total",
    "Connections that were closed because they were too many, too slow, or made room.",
    ["reason"],
)
MODEL_CALLS = Gauge(
    "vidwiz_model_calls_today",
    "Questions, summaries and AI notes of this UTC day that a language model was to cost.",
    multiprocess_mode="livemostrecent",
)
MODEL_CALLS_CEILING = Gauge(
    "vidwiz_model_calls_ceiling",
    "How many of them a day may have (VIDWIZ_MODEL_CALLS_A_DAY).",
    multiprocess_mode="livemostrecent",
)
QUOTAS_FULL = Counter(
    "vidwiz_quota_refusals_total", "What a daily quota refused, or left undone.", ["quota"]
)
LOG_HEAD = Gauge(
    "vidwiz_log_head_position",
    "Highest position of the event log that was heard of.",
    multiprocess_mode="max",
)
CHECKPOINT_POSITION = Gauge(
    "vidwiz_checkpoint_position",
    "Position that the newest signed checkpoint pins.",
    multiprocess_mode="max",
)
CHECKPOINT_TIME = Gauge(
    "vidwiz_checkpoint_timestamp_seconds",
    "When the newest signed checkpoint was made, in seconds since 1970.",
    multiprocess_mode="max",
)
CHECKPOINT_COPIES = Gauge(
    "vidwiz_checkpoint_copies",
    "Copies of checkpoints in the object store, as counted every hour.",
    multiprocess_mode="livemostrecent",
)
CHECKPOINT_COPY_TIME = Gauge(
    "vidwiz_checkpoint_copy_timestamp_seconds",
    "When the newest checkpoint was made whose copy was seen, in seconds since 1970.",
    multiprocess_mode="livemostrecent",
)
CHECKPOINT_PROBLEM = Gauge(
    "vidwiz_checkpoint_problem",
    "1 while a copy of a checkpoint is gone, disagrees or cannot be made.",
    multiprocess_mode="livemax",
)
WITNESS_POSITION = Gauge(
    "vidwiz_witness_position",
    "Position of the newest checkpoint that the witness keeps.",
    ["witness"],
    multiprocess_mode="max",
)
WITNESS_PROBLEM = Gauge(
    "vidwiz_witness_problem",
    "1 while the witness does not keep the newest checkpoint that it was shown.",
    ["witness"],
    multiprocess_mode="livemax",
)
REACTION_LAG = Gauge(
    "vidwiz_reaction_lag_events",
    "Events that the reaction has not looked at yet.",
    ["reaction"],
    multiprocess_mode="livemostrecent",
)
REACTION_PARKED = Gauge(
    "vidwiz_reaction_parked_events",
    "Events that the reaction could not handle, and those that wait behind them.",
    ["reaction"],
    multiprocess_mode="livemostrecent",
)
REACTION_HELD = Gauge(
    "vidwiz_reaction_held",
    "1 while the reaction waits before an event that a newer program wrote.",
    ["reaction"],
    multiprocess_mode="livemostrecent",
)
REACTION_DELIVERIES = Counter(
    "vidwiz_reaction_deliveries_total", "Deliveries that were tried.", ["reaction", "outcome"]
)


def exposition() -> bytes:
    """All metrics in Prometheus' text format, summed over the processes of one service."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest(PROCESS_REGISTRY)
    _forget_the_dead(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """A process that crashed waits for nothing; its ``live`` gauges would say so for ever."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _lives(pid):
            with suppress(FileNotFoundError):  # another process was asked at the same time
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
