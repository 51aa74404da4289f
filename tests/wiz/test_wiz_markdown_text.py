"""What others said never becomes a link, an image or HTML in Markdown that we write."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.wiz.spoken import said, unhurried
from vidwiz.export.markdown import ExportedVideo, markdown
from vidwiz.wiz.answers import Question
from vidwiz.wiz.markdown_text import escaped, quoted, without_links
from vidwiz.wiz.reader import ExtractiveAnswerer, digest

LIVE = {"link_open", "image", "html_inline", "html_block"}
RENDERER = MarkdownIt("commonmark").enable("table")
PIECES = st.lists(
    st.sampled_from(
        [
            "[a](https://evil.example)", "![x](//e.x/y)", "<https://evil.example>", "[a]: //e.x",
            "[a][b]", "[a]", "https://evil.example/x_y_", "www.evil.example", "me@evil.example",
            "<img src=x onerror=alert(1)>", "<script>", "&lt;b&gt;", "`", "```", "# ", "- ", "1. ",
            "> ", "|", "---", "===", "\\", "*", "_", "[", "]", "(", ")", "<", ">", "!", ":", "\n",
            "rocket", " ", "\u202e", "[0:01]",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def tokens(text: str) -> set[str]:
    """The kinds of what Markdown makes of a text."""
    blocks = RENDERER.parse(text)
    return {one.type for block in blocks for one in (block, *(block.children or ()))}


def plain(text: str) -> str:
    """What a reader sees of Markdown."""
    blocks = RENDERER.parse(text)
    inline = [one for block in blocks for one in block.children or ()]
    return "".join("\n" if "break" in one.type else one.content for one in inline)


@unhurried
@given(PIECES)
@example("[Sign in again](https://evil.example/login)")
async def test_an_extract_has_no_link_image_or_html(words: str) -> None:
    segments = said(f"the rocket engine {words}", "other words", f"{words} rocket")
    assert not LIVE & tokens(digest(segments))
    question = Question("v", words, segments, (), "rocket")
    answer = "".join([piece async for piece in ExtractiveAnswerer().answer(question)])
    assert not LIVE & tokens(answer)
    assert re.search(r"https?://|www\.", answer) is None


@unhurried
@given(PIECES)
def test_an_export_links_only_to_the_video(words: str) -> None:
    note = {"timestamp": "0:01", "text": words, "generated_by_ai": True}
    message = {"role": "assistant", "content": words}
    talk = {"created_at": "2026-01-01T00:00:00Z", "messages": [message]}
    text = markdown(ExportedVideo("W421vNri5hw", words, words, words, [note], [talk]), "now")
    body = text.split("\n---\n", 1)[1]
    hrefs = {
        str(one.attrs["href"])
        for block in RENDERER.parse(body)
        for one in block.children or ()
        if one.type == "link_open"
    }
    assert hrefs <= {"https://youtu.be/W421vNri5hw?t=1"}
    assert not (LIVE - {"link_open"}) & tokens(body)


@unhurried
@given(st.text(st.sampled_from("ab1 []()<>*_`#|~&!:;+-=.\\\"'"), max_size=40))
def test_escaped_words_are_read_as_they_are(words: str) -> None:
    words = f"x {' '.join(words.split())} x"
    assert plain(escaped(words)) == words
    assert plain(quoted(words)).replace("\u2060", "") == words


def test_links_of_a_model_show_where_they_go() -> None:
    assert plain(without_links("**b** [a](https://evil.example)")) == "b [a](https://evil.example)"
