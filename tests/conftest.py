"""Fixtures that several rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from neurodamus_like.logs import close_logging
from tests.obi_data import SHARED, link_obi_data

# the same examples each time, however slow the machine is
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real circuits and oracles beside the checkout; tests that need it are skipped without."""
    if not SHARED.is_dir():
        pytest.skip("no shared data beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def obi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OBI circuits, with HOC templates."""
    return link_obi_data(tmp_path_factory.mktemp("obi"), shared)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Undo what a command called in this process did to the package's logger."""
    yield
    close_logging()
