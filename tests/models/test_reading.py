"""Stop texts that are enforced here: any cut into pieces gives the text before the first of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from agentkit.models.reading import Reader


@given(
    st.text("abc", max_size=30),
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(1, 6), min_size=1),
)
def test_the_text_ends_before_the_first_stop_text(text: str, stops: list[str], sizes: list[int]) -> None:
    reader = Reader(tuple(stops))
    written = ""
    position = 0
    for number in range(len(text) + 1):
        size = sizes[number % len(sizes)]
        for chunk in reader.feed(AIMessageChunk(content=text[position : position + size])):
            written += chunk.text
        position += size
        if reader.stopped or position >= len(text):
            break
    (last,) = reader.end()
    written += last.text
    if any(stop in text for stop in stops):
        # A stop text that is completed earlier wins, even if another one, still incomplete then, began before it.
        assert last.end == "stop"
        assert text.startswith(written)
        assert any(text.startswith(stop, len(written)) for stop in stops)
        assert not any(stop in written for stop in stops)
    else:
        assert (written, last.end) == (text, "end")
