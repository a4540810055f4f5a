"""The style in which a study draws its pictures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.report.plots import style


@pytest.fixture(autouse=True, scope="package")
def drawn_in_the_style_of_the_study() -> Iterator[None]:
    """As ``bench.study.page`` has it while it carries out the steps."""
    with style.applied():
        yield
