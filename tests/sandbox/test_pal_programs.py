"""1,666 programs that models wrote: the verdict is plain CPython's, field by field."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from agentkit.sandbox import Sandbox
from tests.sandbox.pal_corpus import CORPUS, LIMITS, correct, difference, load, run

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")


@pytest.mark.timeout(300)
def test_the_verdict_is_plain_cpythons() -> None:
    cases = list(load())
    with Sandbox(limits=LIMITS) as sandbox, ThreadPoolExecutor(3) as pool:
        results = list(pool.map(partial(run, sandbox), cases))
    differences = [said for case, result in zip(cases, results, strict=True) if (said := difference(case, result))]
    assert differences == []
    hard = [correct(case, result) for case, result in zip(cases, results, strict=True) if case.source == "pal_gsmhard"]
    assert (sum(hard), len(hard)) == (1319, 1319)
