"""A thousand pages that are told of notes while these are written."""

from collections.abc import Iterator
from statistics import median

from bench import seed
from bench.live_client import Plan, Told, live
from bench.setup import Aim, Result, Setup, middle, middle_percentiles
from bench.stage import stage
from bench.used import cpu_to_open, memory_of_open
from vidwiz.events import Event

USERS, USERS_OF_A_TRIAL = 100, 10
STREAMS_OF_EACH = 10
NOTES_PER_S = 100
TOLD_P95_MS = 100


def measure(setup: Setup) -> Iterator[Result]:
    users = setup.size(USERS, USERS_OF_A_TRIAL)
    notes = NOTES_PER_S * setup.seconds * 2
    with stage(_past(users)) as on:
        plan = Plan(
            port=on.port,
            server=on.pid,
            users=users,
            streams_of_each=STREAMS_OF_EACH,
            video_id=seed.video_id(1),
            notes=notes,
            notes_per_s=NOTES_PER_S,
        )
        rounds = [live(plan) for _ in range(setup.rounds)]
    yield _told(plan, rounds)
    streams, used = users * STREAMS_OF_EACH, [one.used for one in rounds]
    yield cpu_to_open("live stream", streams, used)
    yield memory_of_open("live streams", streams, used)


def _past(users: int) -> Iterator[Event]:
    yield from seed.people(users)
    yield seed.video(1)
    for user_id in range(1, users + 1):
        yield seed.note(user_id, user_id, 1)


def _told(plan: Plan, rounds: list[Told]) -> Result:
    errors = [error for one in rounds for error in one.errors]
    p50, p95, p99 = middle_percentiles([one.delays for one in rounds])
    whole = all(one.told == one.written * plan.streams_of_each for one in rounds)
    rates = [one.written / one.seconds for one in rounds]
    streams = plan.users * plan.streams_of_each
    return Result(
        name=f"notes written, each told to {plan.streams_of_each} of {streams:,} open streams",
        value=median(rates),
        unit="/s",
        p50=p50,
        p95=p95,
        p99=p99,
        generator_cpu=middle([one.generator_cpu for one in rounds]),
        errors=len(errors),
        first_error=next(iter(errors), None),
        aims=[
            Aim(f">= 95% of {plan.notes_per_s}/s", median(rates) >= 0.95 * plan.notes_per_s),
            Aim("every change told", whole),
            Aim(f"p95 <= {TOLD_P95_MS} ms", p95 is not None and p95 <= TOLD_P95_MS),
        ],
        rounds=[round(rate, 1) for rate in rates],
        note=_note(rounds),
    )


def _note(rounds: list[Told]) -> str:
    busy = median((one.used[2].cpu_s - one.used[1].cpu_s) / one.seconds for one in rounds)
    return f"from sending a note to a page that knows; server {busy:.0%} of a core"
