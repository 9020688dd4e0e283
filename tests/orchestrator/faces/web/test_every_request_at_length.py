"""The same with two hundred requests of each kind and every edge of every value: long to run, and to be collected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from every_request import FEW, Serving, all_requests, asked_with_a_key, asked_without_a_key
from hypothesis import settings
from schemathesis import Case

requests = all_requests(at_length=True)
MANY = settings(FEW, max_examples=200)
pytestmark = pytest.mark.torture


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(tmp_path_factory.mktemp("served")) as serving:
        yield serving


@requests.parametrize()
@MANY
def test_many_with_a_key(case: Case, served: Serving) -> None:
    asked_with_a_key(case, served)


@requests.parametrize()
@MANY
def test_many_without_a_key(case: Case, served: Serving) -> None:
    asked_without_a_key(case, served)
