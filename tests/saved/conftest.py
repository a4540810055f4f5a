"""What several tests of saved models begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results.folder import Results
from bench.saved import export
from tests import saved_models


@pytest.fixture(scope="session")
def onnx_file() -> Path:
    """The saved model of the one run, exported by the command into its results folder."""
    for package in export.PACKAGES:
        pytest.importorskip(package)
    assert export.main([str(saved_models.model_path())]) == 0
    return Results(saved_models.results_folder()).onnx_path(saved_models.record().run_id)
