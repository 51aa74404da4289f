"""What has to be there before a command can be accepted, and which one brings that about."""

from collections.abc import Callable, Mapping

from tests.histories.composing import (
    Compose,
    add_note,
    ask_question,
    bring_transcript,
    bring_video,
    change_profile,
    choose_transcript,
    claim_own_task,
    claim_task,
    complete_turn,
    delete_note,
    disable_user,
    drop_transcript,
    edit_note,
    enable_user,
    erase_user,
    expire_task,
    fail_turn,
    first_sign_in,
    give_back_task,
    issue_long_term_token,
    open_video,
    own_summary_tasks,
    queue_own_summary,
    queue_task,
    report_lost_transcript,
    revert_note,
    revoke_long_term_token,
    share_transcript,
    sign_in_with_google,
    start_conversation,
    stop_turn,
    submit_result,
    transcribed,
    wanting_words,
    write_own_summary,
)
from tests.histories.world import World


def _answering(world: World) -> bool:
    return any(turn.status == "answering" for turn in world.turns.values())


def _at_work(world: World) -> bool:
    return any(task.status == "in_progress" for task in world.tasks.values())


def _waiting(world: World) -> bool:
    return any(task.is_open for task in world.tasks.values())


def _has_notes(world: World) -> bool:
    return bool(world.notes)


def _has_deleted_notes(world: World) -> bool:
    return len(world.note_pasts) > len(world.notes)


def _is_writing(world: World) -> bool:
    return any(task.is_open and "note_id" in task.task_details for task in world.tasks.values())


def _is_linked(world: World) -> bool:
    return any(user.google_id is not None for user in world.users.values())


def _has_token(world: World) -> bool:
    return any(user.long_term_token_id is not None for user in world.users.values())


def _is_disabled(world: World) -> bool:
    return any(user.disabled_at is not None for user in world.users.values())


def _has_videos(world: World) -> bool:
    return bool(world.videos)


def _has_brought(world: World) -> bool:
    return any(row.object_key is not None for row in world.personal_transcripts.values())


def _has_own_summary_task(world: World) -> bool:
    return any(task.is_open for task in own_summary_tasks(world))


NEEDS: Mapping[Compose, tuple[Callable[[World], object], Compose]] = {
    complete_turn: (_answering, ask_question),
    stop_turn: (_answering, ask_question),
    fail_turn: (_answering, ask_question),
    ask_question: (transcribed, bring_video),
    submit_result: (_at_work, claim_task),
    give_back_task: (_at_work, claim_task),
    expire_task: (_at_work, claim_task),
    claim_task: (_waiting, open_video),
    edit_note: (_has_notes, add_note),
    delete_note: (_has_notes, add_note),
    revert_note: (_has_deleted_notes, delete_note),
    change_profile: (_has_notes, add_note),
    queue_task: (wanting_words, change_profile),
    erase_user: (_is_writing, queue_task),
    sign_in_with_google: (_is_linked, first_sign_in),
    revoke_long_term_token: (_has_token, issue_long_term_token),
    enable_user: (_is_disabled, disable_user),
    start_conversation: (_has_videos, open_video),
    bring_transcript: (_has_notes, add_note),
    choose_transcript: (_has_brought, bring_transcript),
    drop_transcript: (_has_brought, bring_transcript),
    queue_own_summary: (_has_brought, bring_transcript),
    write_own_summary: (_has_own_summary_task, queue_own_summary),
    share_transcript: (_has_brought, bring_transcript),
    report_lost_transcript: (transcribed, bring_video),
    claim_own_task: (_has_notes, add_note),
}
