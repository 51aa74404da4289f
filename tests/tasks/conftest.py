"""The contract's cases: users are workers like any other, as the older backend had it."""

from collections.abc import AsyncIterator

import pytest

from tests.support import Api, running_api


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("data")
    async with running_api(module_dsn, folder, VIDWIZ_USER_WORKERS="any") as its:
        yield its
