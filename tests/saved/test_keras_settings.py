"""A saved network of Keras in a user's own process, whatever their Keras is set to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.imports import ROOT

SAVE = """
import sys
from pathlib import Path
import models
from bench.results.models import write_model
from tests.saved_models import a_card
network = models.load("cnn", "keras").build(10)
write_model(Path(sys.argv[1]), a_card("cnn", framework="keras-jax"), network.save)
"""
ASK = """
import os, sys
import numpy as np
from bench.saved.model import load
model = load(sys.argv[1])
assert model.framework == "keras-jax", model.framework
images = np.random.default_rng(0).integers(0, 256, (1500, 28, 28), np.uint8)
np.save(sys.argv[2], model.logits(images))
import keras
print(keras.config.floatx(), keras.config.image_data_format(), os.environ.get("KERAS_BACKEND"))
"""


def run(program: str, *words: Path, **variables: str) -> str:
    """A process of its own, with no variable of Keras's but these; what it printed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        env=own | {"CUDA_VISIBLE_DEVICES": "-1"} | variables,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return ended.stdout.strip()


@pytest.mark.thorough
def test_a_user_s_keras_json_and_variables_change_no_answer(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    model, plain, under = (tmp_path / name for name in ("run.keras", "plain.npy", "under.npy"))
    home = tmp_path / "home"
    home.mkdir()
    settings = {"floatx": "float16", "backend": "torch", "image_data_format": "channels_first"}
    (home / "keras.json").write_text(json.dumps(settings))
    theirs = {"KERAS_HOME": str(home), "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    run(SAVE + ASK, model, plain, KERAS_BACKEND="jax", KERAS_HOME=str(tmp_path / "empty"))
    assert run(ASK, model, under, **theirs) == "float16 channels_first None"
    np.testing.assert_array_equal(np.load(under), np.load(plain))
