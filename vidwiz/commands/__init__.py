"""Intent in, events out: pure decisions without I/O, clock or SQL."""

from collections.abc import Callable, Mapping
from typing import Any

from vidwiz.commands import conversations, notes, tasks, transcripts, users, videos, witness
from vidwiz.commands.base import Decision

DECISIONS: Mapping[type, Callable[[Any, Any], Decision]] = {
    notes.AddNote: notes.add_note,
    notes.EditNote: notes.edit_note,
    notes.DeleteNote: notes.delete_note,
    notes.RevertNote: notes.revert_note,
    users.SignUp: users.sign_up,
    users.SignInWithGoogle: users.sign_in_with_google,
    users.ChangeProfile: users.change_profile,
    users.IssueLongTermToken: users.issue_long_term_token,
    users.RevokeLongTermToken: users.revoke_long_term_token,
    users.ChangePassword: users.change_password,
    users.EndSessions: users.end_sessions,
    users.DisableUser: users.disable_user,
    users.EnableUser: users.enable_user,
    users.EraseUser: users.erase_user,
    users.EraseGuest: users.erase_guest,
    videos.OpenVideo: videos.open_video,
    videos.AddTranscript: videos.add_transcript,
    videos.WriteSummary: videos.write_summary,
    videos.BringVideo: videos.bring_video,
    transcripts.BringTranscript: transcripts.bring_transcript,
    transcripts.ChooseTranscript: transcripts.choose_transcript,
    transcripts.DropTranscript: transcripts.drop_transcript,
    transcripts.WriteOwnSummary: transcripts.write_own_summary,
    transcripts.ShareTranscript: transcripts.share_transcript,
    transcripts.ReportLostTranscript: transcripts.report_lost_transcript,
    tasks.ClaimTask: tasks.claim_task,
    tasks.ClaimOwnTask: tasks.claim_own_task,
    tasks.GiveBackTask: tasks.give_back_task,
    tasks.ExpireTask: tasks.expire_task,
    tasks.SubmitResult: tasks.submit_result,
    tasks.QueueTask: tasks.queue_task,
    conversations.StartConversation: conversations.start_conversation,
    conversations.AskQuestion: conversations.ask_question,
    conversations.CompleteTurn: conversations.complete_turn,
    conversations.StopTurn: conversations.stop_turn,
    conversations.FailTurn: conversations.fail_turn,
    witness.WitnessCheckpoint: witness.witness_checkpoint,
}
"""The function that decides each command."""
