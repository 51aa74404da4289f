"""What must come of every command, told by plain Python that knows nothing of events or SQL."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.histories import jobs, notes, people, talks, transcripts, videos, witnesses
from tests.histories.told import Told
from tests.histories.world import World
from vidwiz.commands import conversations as talk
from vidwiz.commands import notes as note
from vidwiz.commands import tasks as task
from vidwiz.commands import transcripts as transcript
from vidwiz.commands import users as user
from vidwiz.commands import videos as video
from vidwiz.commands import witness
from vidwiz.commands.base import DomainError

EXPECTATIONS: Mapping[type, Callable[[World, Any, Told], Any]] = {
    user.SignUp: people.sign_up,
    user.SignInWithGoogle: people.sign_in_with_google,
    user.ChangeProfile: people.change_profile,
    user.IssueLongTermToken: people.issue_long_term_token,
    user.RevokeLongTermToken: people.revoke_long_term_token,
    user.ChangePassword: people.change_password,
    user.EndSessions: people.end_sessions,
    user.DisableUser: people.disable_user,
    user.EnableUser: people.enable_user,
    user.EraseUser: people.erase_user,
    user.EraseGuest: talks.erase_guest,
    note.AddNote: notes.add_note,
    note.EditNote: notes.edit_note,
    note.DeleteNote: notes.delete_note,
    note.RevertNote: notes.revert_note,
    video.OpenVideo: videos.open_video,
    video.AddTranscript: videos.add_transcript,
    video.WriteSummary: videos.write_summary,
    video.BringVideo: videos.bring_video,
    transcript.BringTranscript: transcripts.bring_transcript,
    transcript.ChooseTranscript: transcripts.choose_transcript,
    transcript.DropTranscript: transcripts.drop_transcript,
    transcript.WriteOwnSummary: transcripts.write_own_summary,
    transcript.ShareTranscript: transcripts.share_transcript,
    transcript.ReportLostTranscript: transcripts.report_lost_transcript,
    task.ClaimOwnTask: transcripts.claim_own_task,
    task.QueueTask: jobs.queue_task,
    task.ClaimTask: jobs.claim_task,
    task.GiveBackTask: jobs.give_back_task,
    task.ExpireTask: jobs.expire_task,
    task.SubmitResult: jobs.submit_result,
    talk.StartConversation: talks.start_conversation,
    talk.AskQuestion: talks.ask_question,
    talk.CompleteTurn: talks.complete_turn,
    talk.StopTurn: talks.stop_turn,
    talk.FailTurn: talks.fail_turn,
    witness.WitnessCheckpoint: witnesses.witness_checkpoint,
}


def expected(world: World, command: Any, told: Told) -> Any:
    """Let the command happen in the world; its result, or the class of its refusal."""
    try:
        return EXPECTATIONS[type(command)](world, command, told)
    except DomainError as refusal:
        return type(refusal)
