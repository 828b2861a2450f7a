"""The vote over the values of several programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.vote import Vote, same


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (3, 3.0, True),
        (3, "3", True),
        ("1,000", 1000, True),
        (0.1 + 0.2, 0.3, True),
        (True, 1, False),
        ("Oslo ", "Oslo", True),
        ("Oslo", "oslo", False),
        ([1, 2], [1, 2], True),
        ([1, 2], (1, 2), False),
        (float("inf"), float("inf"), True),
        (10**400, 10**400, True),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_same(one: object, other: object, equal: bool) -> None:
    assert same(one, other) is equal


def test_majority_and_counts() -> None:
    vote = Vote(5)
    for voter, value in enumerate([7, 5, 5.0, "5"]):
        vote.cast(value, str(value), voter)
    assert vote.decided and vote.winner == 1
    assert vote.counts == (("5", 3), ("7", 1))


def test_it_is_decided_only_when_the_rest_cannot_change_it() -> None:
    vote = Vote(4)
    vote.cast(1, "1", 0)
    vote.cast(1, "1", 1)
    assert not vote.decided  # two more could make it a tie, which the earlier would win, but a tie is not a majority
    vote.abstain()
    assert vote.decided


def test_nobody_voted() -> None:
    vote = Vote(2)
    vote.abstain()
    vote.abstain()
    assert vote.winner is None and vote.counts == ()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_stopping_early_gives_the_winner_of_the_whole_vote(values: list[int]) -> None:
    early, whole = Vote(len(values)), Vote(len(values))
    for voter, value in enumerate(values):
        whole.cast(value, str(value), voter)
        if not early.decided:
            early.cast(value, str(value), voter)
    assert early.winner is not None and whole.winner is not None
    assert values[early.winner] == values[whole.winner]
