"""What workers need to know; the same wherever they run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vidwiz.adapters.language_model import LanguageModel
from vidwiz.workers.jobs import Kind

USUAL_CLAIM_S = 120.0


def no_model() -> LanguageModel | None:
    """Summaries and notes are extracts of the transcript."""
    return None


@dataclass(frozen=True)
class Timeouts:
    """How long workers wait and try, in seconds.

    A claim goes to another worker when it is 120 s old, so ``work_s`` is less than that; YouTube is
    asked again for ``patience_s`` of it.
    """

    poll_s: float = 30.0
    work_s: float = 100.0
    fetch_s: float = 30.0
    patience_s: float = 45.0
    deliver_s: float = 60.0
    grace_s: float = 10.0
    """For the present job, from the first signal to stop."""
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    """Between calls to a service that does not answer."""
    first_rest_s: float = 15.0
    longest_rest_s: float = 300.0
    """Between jobs of a kind that all fail."""
    hidden_s: int = 60
    """For which a message is hidden from others; longer as long as the worker is on it."""

    def within(self, claim_s: float) -> "Timeouts":
        """This pace, quicker where claims go to another worker sooner than after 120 s."""
        share = min(1.0, claim_s / USUAL_CLAIM_S)
        return replace(
            self,
            work_s=self.work_s * share,
            fetch_s=self.fetch_s * share,
            patience_s=self.patience_s * share,
        )


@dataclass(frozen=True)
class WorkerConfig:
    """Where the service is, and how to work; ``model`` is called inside the event loop."""

    api_url: str
    admin_token: str = field(repr=False)
    languages: tuple[str, ...] = ("en",)
    youtube_proxy: str | None = field(default=None, repr=False)
    youtube_url: str | None = None
    summary_queue_url: str | None = None
    ai_note_queue_url: str | None = None
    aws_region: str | None = None
    aws_endpoint_url: str | None = None
    model: Callable[[], LanguageModel | None] = no_model
    prompt_tokens: int = 32_000
    concurrency: Mapping[Kind, int] = field(default_factory=lambda: {Kind.AI_NOTE: 4})
    """Jobs at a time, 1 unless it is said here."""
    pace: Timeouts = Timeouts()

    def queue_url(self, kind: Kind) -> str | None:
        """The queue that hands out jobs of this kind, if it is not the service itself."""
        queues = {Kind.SUMMARY: self.summary_queue_url, Kind.AI_NOTE: self.ai_note_queue_url}
        return queues.get(kind)
