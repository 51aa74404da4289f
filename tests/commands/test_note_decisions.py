"""What becomes of commands about notes."""

from dataclasses import replace

import pytest

from tests.commands.given import (
    NEXT_METADATA_TASK,
    NEXT_NOTE,
    NEXT_TRANSCRIPT_TASK,
    NEXT_VIDEO,
    given,
)
from vidwiz.commands.base import IdempotencyKeyUsed, NoteShape
from vidwiz.commands.notes import (
    AddNote,
    DeleteNote,
    EarlierUse,
    EditNote,
    IdempotencyKeyReused,
    NoteGround,
    NoteNotFound,
    VideoTitleRequired,
    add_note,
)
from vidwiz.commands.users import UserNotFound
from vidwiz.events import (
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    TaskQueued,
    TaskType,
    UserSignedUp,
    VideoAdded,
)

ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
VIDEO = VideoAdded(id=5, video_id="W421vNri5hw", title="Apollo 13")
NOTE = NoteAdded(note_id=17, user_id=1, video_id=VIDEO.video_id, timestamp="1:23", text="hi")
EDITED = NoteEdited(note_id=17, user_id=1, text="ho", generated_by_ai=False)
DELETED = NoteDeleted(note_id=17, user_id=1)
ADD = AddNote(1, VIDEO.video_id, "Another title", "1:23", "hi")
ADDED = NOTE.model_copy(update={"note_id": NEXT_NOTE})
EDIT = EditNote(note_id=17, user_id=1, text="ho", generated_by_ai=False)
BY_AI = replace(EDIT, user_id=None, generated_by_ai=True, only_if_empty=True)
DELETE = DeleteNote(note_id=17, user_id=1)


def test_a_note_on_a_known_video_is_one_event_and_leaves_the_title() -> None:
    told = given(ANN, VIDEO).when(ADD)
    told.then(ADDED, answer=NoteShape(NEXT_NOTE)).recording()


def test_the_first_note_on_a_video_adds_it_and_queues_what_is_to_be_fetched() -> None:
    given(ANN).when(ADD).then(
        VideoAdded(id=NEXT_VIDEO, video_id=VIDEO.video_id, title="Another title"),
        TaskQueued(
            task_id=NEXT_TRANSCRIPT_TASK, task_type=TaskType.TRANSCRIPT, video_id=VIDEO.video_id
        ),
        TaskQueued(
            task_id=NEXT_METADATA_TASK, task_type=TaskType.METADATA, video_id=VIDEO.video_id
        ),
        ADDED,
        answer=NoteShape(NEXT_NOTE),
    )


@pytest.mark.parametrize("title", [None, ""])
def test_the_first_note_on_a_video_needs_a_title(title: str | None) -> None:
    given(ANN).when(replace(ADD, video_title=title)).refused(VideoTitleRequired)


@pytest.mark.parametrize("title", [None, ""])
def test_a_note_on_a_known_video_needs_no_title(title: str | None) -> None:
    told = given(ANN, VIDEO).when(replace(ADD, video_title=title))
    told.then(ADDED, answer=NoteShape(NEXT_NOTE))


@pytest.mark.parametrize("text", [None, "", " ", "words"])
def test_a_notes_text_is_kept_as_it_was_sent(text: str | None) -> None:
    told = given(ANN, VIDEO).when(replace(ADD, text=text))
    told.then(ADDED.model_copy(update={"text": text}), answer=NoteShape(NEXT_NOTE))


def test_somebody_without_an_account_adds_no_note() -> None:
    given(VIDEO).when(ADD).refused(UserNotFound)


def test_an_idempotency_key_is_recorded_with_its_note() -> None:
    command = replace(ADD, idempotency_key="k", fingerprint="f")
    told = given(ANN, VIDEO).when(command).then(ADDED, answer=NoteShape(NEXT_NOTE))
    told.recording(IdempotencyKeyUsed(1, "k", "f", NEXT_NOTE))


def test_the_same_request_again_answers_the_first_note_and_does_nothing() -> None:
    command = replace(ADD, idempotency_key="k", fingerprint="f")
    told = given(ANN, VIDEO, NOTE, earlier=EarlierUse("f", 17)).when(command)
    told.then(answer=NoteShape(17)).recording()


def test_a_key_cannot_stand_for_two_requests() -> None:
    command = replace(ADD, idempotency_key="k", fingerprint="g")
    given(ANN, VIDEO, NOTE, earlier=EarlierUse("f", 17)).when(command).refused(IdempotencyKeyReused)


def test_an_unknown_video_without_ids_for_its_tasks_is_a_fault_of_the_look_up() -> None:
    ground = NoteGround(user_exists=True, note_id=1, video_number=1)
    with pytest.raises(ValueError, match="no id for its task"):
        add_note(ADD, ground)


def test_the_owner_edits_a_note() -> None:
    given(NOTE).when(EDIT).then(EDITED, answer=NoteShape(17))


def test_an_admin_edits_any_note_and_the_event_still_names_its_owner() -> None:
    command = replace(EDIT, user_id=None, generated_by_ai=True)
    told = given(NOTE).when(command)
    told.then(EDITED.model_copy(update={"generated_by_ai": True}), answer=NoteShape(17))


def test_nobody_edits_anothers_note() -> None:
    given(NOTE).when(replace(EDIT, user_id=2)).refused(NoteNotFound)


def test_a_note_that_never_was_cannot_be_edited() -> None:
    given().when(EDIT).refused(NoteNotFound)
    given().when(replace(EDIT, user_id=None)).refused(NoteNotFound)


def test_a_deleted_note_cannot_be_edited() -> None:
    given(NOTE, DELETED).when(EDIT).refused(NoteNotFound)
    given(NOTE, DELETED).when(replace(EDIT, user_id=None)).refused(NoteNotFound)


def test_saying_the_same_words_again_is_no_event() -> None:
    given(NOTE, EDITED).when(EDIT).then(answer=NoteShape(17))


def test_the_same_words_from_another_author_are_an_event() -> None:
    by_ai = EDITED.model_copy(update={"generated_by_ai": True})
    given(NOTE, by_ai).when(EDIT).then(EDITED, answer=NoteShape(17))


def test_an_empty_text_is_not_the_same_as_none() -> None:
    silent = NOTE.model_copy(update={"text": None})
    told = given(silent).when(replace(EDIT, text=""))
    told.then(EDITED.model_copy(update={"text": ""}), answer=NoteShape(17))


@pytest.mark.parametrize("empty", [None, ""])
def test_a_note_without_words_gets_those_of_the_ai(empty: str | None) -> None:
    told = given(NOTE.model_copy(update={"text": empty})).when(BY_AI)
    told.then(EDITED.model_copy(update={"generated_by_ai": True}), answer=NoteShape(17))


@pytest.mark.parametrize("words", ["hi", " "])
def test_the_ai_leaves_words_that_are_there_by_now(words: str) -> None:
    given(NOTE.model_copy(update={"text": words})).when(BY_AI).then(answer=NoteShape(17))
    earlier = EDITED.model_copy(update={"text": words, "generated_by_ai": True})
    given(NOTE, earlier).when(BY_AI).then(answer=NoteShape(17))


def test_a_note_whose_words_were_taken_back_is_empty_again() -> None:
    emptied = EDITED.model_copy(update={"text": ""})
    told = given(NOTE, emptied).when(BY_AI)
    told.then(EDITED.model_copy(update={"generated_by_ai": True}), answer=NoteShape(17))


def test_the_ai_writes_no_note_that_was_deleted() -> None:
    given(NOTE, DELETED).when(BY_AI).refused(NoteNotFound)


def test_the_owner_deletes_a_note() -> None:
    given(NOTE, EDITED).when(DELETE).then(DELETED)


def test_a_note_is_deleted_only_once() -> None:
    given(NOTE, DELETED).when(DELETE).refused(NoteNotFound)


def test_nobody_deletes_anothers_note() -> None:
    given(NOTE).when(replace(DELETE, user_id=2)).refused(NoteNotFound)


def test_a_note_that_never_was_cannot_be_deleted() -> None:
    given().when(DELETE).refused(NoteNotFound)
