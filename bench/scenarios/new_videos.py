"""Adding the first note on a video: the video, two tasks and the note in one transaction."""

from collections.abc import Iterator

from bench import seed
from bench.client import request
from bench.load import MARK, load
from bench.setup import Result, Setup, at_least, interleaved, summed_up
from bench.stage import stage, token_of

USERS = 64
CONNECTIONS = 16
RATE = 500


def measure(setup: Setup) -> Iterator[Result]:
    body = {
        "video_id": MARK.decode(),
        "video_title": "A video that nobody noted before",
        "timestamp": "12:34",
        "text": "The first note on it.",
    }
    requests = [request("POST", "/api/notes", token_of(n), body) for n in range(1, USERS + 1)]
    with stage(seed.people(USERS)) as on:
        samples = interleaved(
            setup.rounds, {"POST": lambda: load(setup, on.port, requests, 201, CONNECTIONS)}
        )["POST"]
    name = f"POST /api/notes, new video with its two tasks, {CONNECTIONS} connections"
    yield summed_up(name, samples, at_least(RATE, samples))
