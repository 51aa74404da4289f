"""Ids of YouTube videos, in every form in which people give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidwiz.http.youtube_ids import youtube_id

ID = "W421vNri5hw"
NOT_ONE = "video_id must be a valid YouTube video ID"
PLAYLIST = "playlist URLs are not supported"
EMPTY = "video_id cannot be empty"

HOSTS = ["youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "WWW.YouTube.COM",
         "www.youtube.com:443", "www.youtube-nocookie.youtube.com"]  # fmt: skip
PATHS = [
    f"/watch?v={ID}", f"/watch?v={ID}&t=28535s", f"/watch?app=desktop&v={ID}#t=1",
    f"/watch/?v={ID}",
    f"/shorts/{ID}", f"/shorts/{ID}?feature=share", f"/live/{ID}/", f"/live/{ID}/extra",
    f"/embed/{ID}#x", f"/embed/{ID}?start=3&autoplay=1",
]  # fmt: skip
GOOD = [
    ID, f"  {ID}\n", "-----------", "___________", "00000000000",
    f"youtu.be/{ID}", f"https://youtu.be/{ID}?si=abc", f"http://YOUTU.BE/{ID}/", f"//youtu.be/{ID}",
    f"https://youtu.be/{ID}/more/path#x", f" \t https://youtu.be/{ID} ",
]  # fmt: skip
BAD = [
    "abc", ID + "x", ID[:-1], "W421vNri5h!", "W421vNri5h\u00e9", "\u0661" * 11, "W421v Nri5h", "\0",
    "https://youtube.com", "https://youtube.com/", f"https://youtube.com/{ID}",
    "https://youtube.com/watch", "https://youtube.com/watch?v=", "https://youtube.com/watch?v=short",
    f"https://youtube.com/watch?v={ID}x", f"https://youtube.com/watch?V={ID}",
    f"https://youtube.com/shorts/{ID}x", "https://youtube.com/shorts/", "youtu.be/", "youtu.be/x",
    f"https://youtube.com/playlist?v={ID}", f"https://youtube.com/user/{ID}",
    f"https://vimeo.com/watch?v={ID}", f"https://youtu.be.evil.org/{ID}", f"https://notyoutu.be/{ID}",
    f"https://evil.org/youtube.com/watch?v={ID}", f"https://evil.org/?u=youtube.com/watch?v={ID}",
    f"https://youtube.com@evil.org/watch?v={ID}", f"javascript:youtube.com/watch?v={ID}",
    "https://[youtube.com/watch?v=", "https://[::1]/watch?v=" + ID, "x" * 3000, "https://",
    f"https://youtube.com/watch?v={ID}&pad={'x' * 3000}",
]  # fmt: skip
PLAYLISTS = [f"https://www.youtube.com/watch?v={ID}&list=PL1", f"{ID}list=", "list=", "?list=x"]


@pytest.mark.parametrize("scheme", ["", "https://", "http://", "HTTPS://", "//"])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", PATHS)
def test_links_to_a_video_hold_its_id(scheme: str, host: str, path: str) -> None:
    assert youtube_id(f"{scheme}{host}{path}") == ID


@pytest.mark.parametrize("given_", GOOD)
def test_ids_and_short_links_are_understood(given_: str) -> None:
    assert youtube_id(given_) == (ID if ID in given_ else given_)


def refusal(given_: str) -> str | None:
    """Why it is refused; None if it is not."""
    try:
        youtube_id(given_)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("given_", BAD, ids=lambda text: repr(text)[:40])
def test_anything_else_is_no_video(given_: str) -> None:
    assert refusal(given_) == NOT_ONE


@pytest.mark.parametrize("given_", PLAYLISTS)
def test_playlists_are_refused_as_such(given_: str) -> None:
    assert refusal(given_) == PLAYLIST


@pytest.mark.parametrize("given_", ["", " ", "\n\t", "\u00a0\u2003"])
def test_nothing_is_refused_as_empty(given_: str) -> None:
    assert refusal(given_) == EMPTY


links = st.text() | st.builds(
    "".join,
    st.lists(
        st.sampled_from([ID, "https://", "//", "youtube.com", "youtu.be", "/watch?v=", "/shorts/",
                         "[", "]", "@", ":", "%", "\u2100", "\uff0f", "#", "?", "&", " ", "list="]),
        max_size=8,
    ),
)  # fmt: skip


@given(link=links)
def test_whatever_is_given_it_is_an_id_or_one_of_three_refusals(link: str) -> None:
    refused = refusal(link)
    assert refused in (None, NOT_ONE, PLAYLIST, EMPTY)
    if refused is None:
        found = youtube_id(link)
        assert youtube_id(found) == found
        assert len(found) == 11
        assert found.isascii()
