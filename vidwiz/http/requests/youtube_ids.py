"""Ids of videos in requests: an id, or any link to the video that is understood."""

from typing import Annotated

from vidwiz.adapters.youtube_links import logged_id, youtube_id
from vidwiz.http.requests.checked import CheckedAs

YouTubeId = Annotated[
    str,
    CheckedAs(
        youtube_id,
        minLength=1,
        description="an id of 11 letters, digits, `_` and `-`, or a link to the video",
        examples=["dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ?t=90"],
    ),
]

LoggedId = Annotated[
    str,
    CheckedAs(
        logged_id,
        minLength=1,
        description="an id, or a link to the video",
        examples=["dQw4w9WgXcQ"],
    ),
]
