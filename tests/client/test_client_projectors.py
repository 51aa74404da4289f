"""Projectors of others, and the kit that tests them."""

from pathlib import Path

import pytest

from vidwiz.client import FileCheckpoint, LoggedEvent, Projector, an_event, given, on


class Counter(Projector):
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    @on("NoteAdded")
    def added(self, _: LoggedEvent) -> None:
        self.count += 1


class Balance(Counter):
    """Also takes away."""

    @on("NoteDeleted")
    def deleted(self, _: LoggedEvent) -> None:
        self.count -= 1


def shown(projector: Counter) -> int:
    return projector.count


def test_a_story_is_told_in_three_words() -> None:
    story = given(Balance(), an_event("NoteAdded"), an_event("NoteAdded"))
    story.when(an_event("NoteDeleted"), an_event("UserSignedUp")).then(shown, 1)
    with pytest.raises(AssertionError, match="expected 2, not 1"):
        story.then(shown, 2)


def test_a_projector_asks_for_what_it_handles() -> None:
    assert Balance().topics == ("NoteAdded", "NoteDeleted")
    assert Counter().topics == ("NoteAdded",)


def test_two_methods_for_a_topic_are_refused() -> None:
    with pytest.raises(TypeError, match="Twice handles NoteAdded twice"):

        class Twice(Projector):
            @on("NoteAdded")
            def one(self, event: LoggedEvent) -> None: ...

            @on("NoteAdded", "NoteEdited")
            def other(self, event: LoggedEvent) -> None: ...


def test_a_coroutine_is_told_from_a_method_that_ran() -> None:
    class Late(Projector):
        @on("NoteAdded")
        async def added(self, event: LoggedEvent) -> None: ...

    with pytest.raises(TypeError, match="NoteAdded"):
        given(Late(), an_event("NoteAdded"))


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5"])
def test_a_damaged_checkpoint_is_not_taken_for_a_position(tmp_path: Path, text: str) -> None:
    (tmp_path / "position").write_text(text)
    with pytest.raises(ValueError, match="no position"):
        FileCheckpoint(tmp_path / "position").load()


def test_a_checkpoint_that_was_never_saved_is_the_beginning(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path / "position")
    assert checkpoint.load() == 0
    checkpoint.save(17)
    checkpoint.save(18)
    assert checkpoint.load() == 18
    assert [path.name for path in tmp_path.iterdir()] == ["position"]
