"""Intent in, events out: pure decisions without I/O, clock or SQL."""

from collections.abc import Callable, Mapping
from typing import Any

from vidwiz.commands import notes, tasks, users, videos
from vidwiz.commands.base import Outcome

DECISIONS: Mapping[type, Callable[[Any, Any], Outcome]] = {
    notes.AddNote: notes.add_note,
    notes.EditNote: notes.edit_note,
    notes.DeleteNote: notes.delete_note,
    users.SignUp: users.sign_up,
    users.SignInWithGoogle: users.sign_in_with_google,
    users.ChangeProfile: users.change_profile,
    users.IssueLongTermToken: users.issue_long_term_token,
    users.RevokeLongTermToken: users.revoke_long_term_token,
    videos.WriteSummary: videos.write_summary,
    videos.BringVideo: videos.bring_video,
    tasks.ClaimTask: tasks.claim_task,
    tasks.GiveBackTask: tasks.give_back_task,
    tasks.ExpireTask: tasks.expire_task,
    tasks.SubmitResult: tasks.submit_result,
}
"""The function that decides each command."""
