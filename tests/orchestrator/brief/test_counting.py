"""The count of words that speak for a language is that of today's word lists."""

from __future__ import annotations

from orchestrator.brief.lexicon import count_evidence, evidence


def test_the_count_is_not_older_than_the_lists() -> None:
    assert evidence() == count_evidence(), "run `make docs`: the word lists have changed"


def test_rare_company_weighs_more() -> None:
    votes = count_evidence()
    assert max(votes["caneca"].values(), default=0) >= max(votes["para"].values()) or "caneca" not in votes
    assert set(votes["und"]) == {"de"}
    assert len(votes["para"]) == 2
