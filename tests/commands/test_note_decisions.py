"""What becomes of commands about notes."""

from dataclasses import replace

import pytest

from tests.commands.given import (
    ADDED_AT,
    NEXT_METADATA_TASK,
    NEXT_NOTE,
    NEXT_TRANSCRIPT_TASK,
    NEXT_VIDEO,
    given,
)
from vidwiz.commands.base import IdempotencyKeyUsed, NoteShape
from vidwiz.commands.notes import (
    AddNote,
    AddNoteContext,
    DeleteNote,
    EarlierUse,
    EditNote,
    IdempotencyKeyReused,
    NoteNotFound,
    NoteVersionNotFound,
    NoteVersions,
    RevertNote,
    VideoTitleRequired,
    add_note,
    revert_note,
)
from vidwiz.commands.tasks import NewWorkRefused
from vidwiz.commands.users import UserNotFound
from vidwiz.events import (
    Event,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
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


def test_a_note_that_may_ask_for_nothing_is_refused_on_an_unknown_video() -> None:
    quiet = replace(ADD, may_ask=False)
    given(ANN).when(quiet).refused(NewWorkRefused)
    given(ANN).when(replace(quiet, video_title=None)).refused(VideoTitleRequired)
    given(ANN, VIDEO).when(quiet).then(ADDED, answer=NoteShape(NEXT_NOTE))


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
    ground = AddNoteContext(user_exists=True, note_id=1, video_number=1)
    with pytest.raises(ValueError, match="no id for its task"):
        add_note(ADD, ground)


def test_the_owner_edits_a_note() -> None:
    given(NOTE).when(EDIT).then(EDITED, answer=NoteShape(17))


def test_an_admin_edits_any_note_and_the_event_still_names_its_owner() -> None:
    given(NOTE).when(replace(EDIT, user_id=None)).then(EDITED, answer=NoteShape(17))


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


OWN, BY_MODEL = False, True
"""Whether words count as generated."""


@pytest.mark.parametrize(
    ("there", "brought", "user_id", "only_if_empty", "replaced"),
    [
        (("mine", OWN), BY_MODEL, None, False, False),  # late, from a worker that cannot say so
        ((" ", OWN), BY_MODEL, None, False, False),  # blanks are text
        (("mine", OWN), BY_MODEL, None, True, False),
        (("its", BY_MODEL), BY_MODEL, None, False, True),
        (("its", BY_MODEL), BY_MODEL, None, True, False),
        (("", OWN), BY_MODEL, None, False, True),  # it waits for words, whoever emptied it
        (("", BY_MODEL), BY_MODEL, None, False, True),
        ((None, OWN), BY_MODEL, None, False, True),
        (("mine", OWN), OWN, None, False, True),  # an admin's own edit
        (("its", BY_MODEL), OWN, None, False, True),
        (("mine", OWN), OWN, None, True, False),
        (("mine", OWN), BY_MODEL, 1, False, True),  # its owner takes over generated words
        (("its", BY_MODEL), OWN, 1, False, True),
    ],
)
@pytest.mark.parametrize("way", ["added", "edited", "restored"])
def test_generated_words_never_replace_a_persons_own(
    way: str,
    there: tuple[str | None, bool],
    brought: bool,
    user_id: int | None,
    only_if_empty: bool,
    replaced: bool,
) -> None:
    text, by_ai = there
    edited = EDITED.model_copy(update={"text": text or "", "generated_by_ai": by_ai})
    restored = RESTORED.model_copy(update={"text": text, "generated_by_ai": by_ai})
    past: list[Event] = [NOTE, edited]
    if way == "added" and not by_ai:
        past = [NOTE.model_copy(update={"text": text})]
    elif way == "restored":
        past = [NOTE, EDITED, DELETED, restored]
    command = EditNote(17, user_id, "new words", brought, only_if_empty)
    expected = EDITED.model_copy(update={"text": "new words", "generated_by_ai": brought})
    given(*past).when(command).then(*([expected] if replaced else []), answer=NoteShape(17))


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


RESTORED = NoteRestored(
    note_id=17,
    user_id=1,
    video_id=VIDEO.video_id,
    timestamp="1:23",
    text="hi",
    generated_by_ai=False,
    created_at=ADDED_AT,
)
BACK = RevertNote(note_id=17, user_id=1, version=1)


def test_going_back_says_the_old_words_again() -> None:
    again = EDITED.model_copy(update={"text": "hi"})
    given(NOTE, EDITED).when(BACK).then(again, answer=NoteShape(17))
    by_position = replace(BACK, version=None, position=2)
    given(ANN, NOTE, EDITED).when(by_position).then(again, answer=NoteShape(17))


def test_going_back_to_words_of_the_ai_says_that_they_are_its() -> None:
    by_ai = EDITED.model_copy(update={"generated_by_ai": True})
    told = given(NOTE, by_ai, EDITED).when(replace(BACK, version=2))
    told.then(by_ai, answer=NoteShape(17))


def test_going_back_to_what_is_there_is_no_event() -> None:
    given(NOTE).when(BACK).then(answer=NoteShape(17))
    given(NOTE, EDITED).when(replace(BACK, version=2)).then(answer=NoteShape(17))


def test_a_note_goes_back_to_having_no_words() -> None:
    silent = NOTE.model_copy(update={"text": None})
    told = given(silent, EDITED).when(BACK)
    told.then(EDITED.model_copy(update={"text": ""}), answer=NoteShape(17))
    given(silent).when(BACK).then(answer=NoteShape(17))


def test_a_deleted_note_is_restored_whole_with_the_time_at_which_it_was_added() -> None:
    given(NOTE, DELETED).when(BACK).then(RESTORED, answer=NoteShape(17))
    words = RESTORED.model_copy(update={"text": "ho"})
    told = given(NOTE, EDITED, DELETED).when(replace(BACK, version=2))
    told.then(words, answer=NoteShape(17))


def test_a_restored_note_is_edited_deleted_and_restored_like_any_other() -> None:
    given(NOTE, DELETED, RESTORED).when(EDIT).then(EDITED, answer=NoteShape(17))
    given(NOTE, DELETED, RESTORED).when(DELETE).then(DELETED)
    told = given(NOTE, DELETED, RESTORED, DELETED).when(replace(BACK, version=3))
    told.then(RESTORED, answer=NoteShape(17))
    given(NOTE, DELETED, RESTORED).when(BACK).then(answer=NoteShape(17))


def test_nobody_goes_back_to_a_version_without_words_or_that_never_was() -> None:
    given(NOTE, DELETED).when(replace(BACK, version=2)).refused(NoteVersionNotFound)
    given(NOTE, EDITED).when(replace(BACK, version=3)).refused(NoteVersionNotFound)
    given(NOTE).when(replace(BACK, version=None, position=2)).refused(NoteVersionNotFound)


def test_a_position_of_another_note_is_no_version_of_this_one() -> None:
    other = NOTE.model_copy(update={"note_id": 18})
    told = given(other, NOTE, EDITED).when(replace(BACK, version=None, position=1))
    told.refused(NoteVersionNotFound)


def test_nobody_takes_anothers_note_back() -> None:
    given(NOTE, EDITED).when(replace(BACK, user_id=2)).refused(NoteNotFound)
    given(NOTE, DELETED).when(replace(BACK, user_id=2)).refused(NoteNotFound)
    given().when(BACK).refused(NoteNotFound)


def test_a_note_whose_beginning_has_no_time_is_a_fault_of_the_look_up() -> None:
    ground = NoteVersions(added=NOTE, wanted=NOTE, newest=DELETED)
    with pytest.raises(ValueError, match="beginning has no time"):
        revert_note(BACK, ground)
