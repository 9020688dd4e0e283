"""A service of its own for every test that asks for `small`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small_service import SmallService


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[SmallService]:
    """The service, asked without a socket; jobs are taken in and done by nobody."""
    service = SmallService(tmp_path)
    yield service
    await service.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def on_both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SmallService]:
    """The same on each engine."""
    where = request.getfixturevalue("postgres") if request.param == "postgres" else None
    service = SmallService(tmp_path, where=where)
    yield service
    await service.close()
