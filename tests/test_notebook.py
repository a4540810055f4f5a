"""The notebook for Colab, Kaggle and laptops runs from its first cell to its last."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bench.results.folder import Results
from tests.imports import ROOT
from tests.suite_process import ONE

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


@pytest.mark.filterwarnings("default")  # what Jupyter's packages say of one another is not ours
def test_the_notebook_measures_reads_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results"
    words = (*ONE, "--framework", "pytorch,numpy", "--epochs", "1", "--seeds", "2", "--out", out)
    monkeypatch.setenv("GLYPHBENCH_NOTEBOOK", shlex.join(map(str, words)))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))  # nothing in anybody's home
    notebook = nbformat.read(ROOT / "docs/glyphbench.ipynb", as_version=4)
    in_docs = {"metadata": {"path": str(ROOT / "docs")}}
    nbclient.NotebookClient(notebook, timeout=120, resources=in_docs).execute()
    assert len(Results(out).records()) == 4
    outputs = {cell.id: str(cell.get("outputs")) for cell in notebook.cells}
    assert "exit code 0" in outputs["measure"]
    assert "throughput_ratio_low" in outputs["differences"]
    assert "image/png" in outputs["plot"]
    assert "times as fast as the slowest" in outputs["plot"]
