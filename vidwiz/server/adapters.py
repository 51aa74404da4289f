"""The outside world as the settings name it: stores, queues, models, sign-in, and its secrets."""

from functools import partial
from typing import TYPE_CHECKING

from vidwiz.adapters.language_model import LanguageModel
from vidwiz.adapters.object_store import FolderStore, ObjectStore
from vidwiz.adapters.queue import Queue
from vidwiz.event_store.next_master_key import other_master_keys
from vidwiz.events.master_key import MasterKey
from vidwiz.settings import OPENAI_URL, Settings
from vidwiz.workers.config import Timeouts, WorkerConfig

if TYPE_CHECKING:
    from vidwiz.adapters.google_sign_in import GoogleSignIn


def master_key(settings: Settings) -> MasterKey:
    """What wraps the keys of persons; raises ``SettingsError``."""
    return MasterKey(settings.master_key_bytes, partial(other_master_keys, settings))


def object_store(settings: Settings) -> ObjectStore:
    """The bucket if there is one, else a folder of the data folder."""
    if settings.s3_bucket_name is None:
        return FolderStore(settings.data_dir / "objects")
    # The AWS libraries are slow to load and large, and a folder does not need them.
    from vidwiz.adapters.s3_store import S3Store  # noqa: PLC0415

    return S3Store(
        settings.s3_bucket_name,
        region=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
    )


def language_model(settings: Settings) -> LanguageModel | None:
    """Gemini if there is a key, else an OpenAI-compatible model if one is named, else none."""
    # Their libraries are slow to load.
    if settings.gemini_api_key is not None:
        from vidwiz.adapters.gemini import Gemini  # noqa: PLC0415

        return Gemini(
            settings.gemini_api_key.get_secret_value(),
            settings.gemini_model_name,
            base_url=settings.google_gemini_base_url,
        )
    if settings.openai_model is not None:
        from vidwiz.adapters.openai_compatible import OpenAICompatible  # noqa: PLC0415

        key = settings.openai_api_key
        return OpenAICompatible(
            settings.openai_base_url or OPENAI_URL,
            None if key is None else key.get_secret_value(),
            settings.openai_model,
        )
    return None


def queue(settings: Settings, url: str | None) -> Queue | None:
    """The queue at this URL; None without one."""
    if url is None:
        return None
    from vidwiz.adapters.sqs import SqsQueue  # noqa: PLC0415  as for S3

    return SqsQueue(url, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)


def worker_config(settings: Settings, api_url: str, admin_token: str) -> WorkerConfig:
    """How the workers are to work."""
    proxy = settings.youtube_proxy
    languages = (one.strip() for one in settings.caption_languages.split(","))
    return WorkerConfig(
        api_url=api_url,
        admin_token=admin_token,
        languages=tuple(one for one in languages if one),
        youtube_proxy=None if proxy is None else proxy.get_secret_value(),
        youtube_url=settings.youtube_url,
        summary_queue_url=settings.sqs_summary_queue_url,
        ai_note_queue_url=settings.sqs_ai_note_queue_url,
        aws_region=settings.aws_region,
        aws_endpoint_url=settings.aws_endpoint_url,
        model=lambda: language_model(settings),
        prompt_tokens=settings.prompt_tokens,
        pace=Timeouts().within(settings.stale_claim_s),
    )


def google_sign_in(settings: Settings) -> "GoogleSignIn | None":
    """Google as a witness; None without a client id."""
    if settings.google_client_id is None:
        return None
    from vidwiz.adapters.google_sign_in import GoogleSignIn  # noqa: PLC0415  as for S3

    return GoogleSignIn(settings.google_client_id, certs_url=settings.google_certs_url)
