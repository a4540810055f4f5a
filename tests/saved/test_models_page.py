"""What docs/models.md shows: every snippet, run against a small saved model as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import datasets
from bench.results.models import KERAS_MEMBERS, MOST_MODEL_BYTES, read_card
from bench.saved.model import load
from tests.imports import ROOT
from tests.saved_models import data_folder, model_path

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(
    r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE
)
NEEDED = {
    "ONNX Runtime": "onnxruntime",
    "Safetensors, in NumPy alone": "numpy",
    "Safetensors, in PyTorch": "torch",
    "Keras, on any backend": "keras",
}
# The same weights in Keras, as a run of it would have saved them.
TO_KERAS = """
import sys
from dataclasses import replace
from pathlib import Path
import models
from bench.results.card import card_of
from bench.results.models import read_card, write_model
from safetensors.numpy import load_file
weights, record = load_file(sys.argv[1]), read_card(Path(sys.argv[1])).record
experiment = replace(record.experiment, framework="keras-jax")
record = replace(record, experiment=experiment)
record = replace(record, run_id=record.run.id)
network = models.load("mlp", "keras").build(10)
network.set_weights([weights[f"{layer.name}/{part}"] for layer in network.layers if layer.weights
                     for part in ("kernel", "bias")])
write_model(Path(sys.argv[2]), card_of(record), network.save)
"""


def run(program: str, *words: Path, folder: Path) -> str:
    """A process in a folder, with Keras on JAX; what it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env=os.environ | {"KERAS_BACKEND": "jax", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return ended.stdout.strip()


def test_every_snippet_is_run() -> None:
    assert [heading for heading, _ in SNIPPETS] == list(NEEDED)


@pytest.mark.parametrize(("heading", "snippet"), SNIPPETS, ids=[name for name, _ in SNIPPETS])
def test_a_snippet_says_what_the_model_says(
    heading: str, snippet: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip(NEEDED[heading])
    if "model.onnx" in snippet:
        shutil.copy(request.getfixturevalue("onnx_file"), tmp_path / "model.onnx")
    elif "model.keras" in snippet:
        run(TO_KERAS, model_path(), tmp_path / "model.keras", folder=ROOT)
    else:
        shutil.copy(model_path(), tmp_path / "model.safetensors")
    model = load(model_path())
    image = datasets.open_cached(data_folder()).test.images[0]
    Image.fromarray(image).save(tmp_path / "digit.png")
    assert run(snippet, folder=tmp_path) == model.predict(image[None])[0].label


def test_the_page_names_every_field_of_a_card_and_the_bounds() -> None:
    fields = vars(read_card(model_path()))
    assert [name for name in fields if f"`{name}`" not in PAGE] == []
    assert f"larger than {MOST_MODEL_BYTES >> 20} MB" in PAGE
    assert "glyphbench.json" in KERAS_MEMBERS
