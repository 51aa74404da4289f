"""One module for each thing that is measured; each yields results."""

from bench.scenarios import (
    chat,
    drain,
    find,
    first_heading,
    idle_workers,
    live,
    memory,
    new_videos,
    notes,
    rebuild,
    search,
    sign_in,
    time_travel,
)
from bench.setup import Scenario

SCENARIOS: dict[str, Scenario] = {
    "notes": notes.measure,
    "new-videos": new_videos.measure,
    "search": search.measure,
    "find": find.measure,
    "sign-in": sign_in.measure,
    "idle-workers": idle_workers.measure,
    "drain": drain.measure,
    "live": live.measure,
    "chat": chat.measure,
    "rebuild": rebuild.measure,
    "memory": memory.measure,
    "time-travel": time_travel.measure,
    "first-heading": first_heading.measure,
}
