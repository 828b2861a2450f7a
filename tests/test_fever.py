"""The ReAct paper's FEVER run, replayed through the real loop."""

import pytest

from benchmarks.fever_replay import CORPUS, score


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.parametrize(("strict", "matches"), [(True, 270), (False, 271)])
def test_exact_matches(strict: bool, matches: int) -> None:
    assert score(strict=strict) == (matches, 500)
