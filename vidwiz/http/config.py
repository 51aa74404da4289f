"""What the web app has to know before anybody has signed in."""

from dataclasses import dataclass
from importlib.metadata import version

from quart import Blueprint, Response

from vidwiz.commands.conversations import QUESTIONS_OF_GUEST, QUESTIONS_OF_USER
from vidwiz.http.access.guards import public
from vidwiz.http.documented import documented
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services

config = Blueprint("config", __name__)


@dataclass(frozen=True, slots=True)
class PageConfig:
    """What settings say to the web app."""

    google_client_id: str | None
    player_api_url: str
    sign_up_open: bool
    language_model: bool


@config.get("/config")
@documented("config", models.Config)
@public
async def get_config() -> Response:
    """What is turned on, what a day allows, and where the player comes from."""
    page = services().page
    return json_answer(
        {
            "google_client_id": page.google_client_id,
            "guest_daily_limit": QUESTIONS_OF_GUEST,
            "user_daily_limit": QUESTIONS_OF_USER,
            "version": version("vidwiz"),
            "player_api_url": page.player_api_url,
            "sign_up": "open" if page.sign_up_open else "closed",
            "language_model": page.language_model,
        }
    )
