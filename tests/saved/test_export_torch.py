"""A PyTorch module, or a network of Keras, as an ONNX file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_file_holds_no_path_of_the_machine_that_made_it(onnx_file: Path) -> None:
    content = onnx_file.read_bytes()
    assert str(ROOT).encode() not in content
    assert b"site-packages" not in content


@pytest.mark.thorough
def test_networks_of_keras_and_ensembles_are_exported(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "-1"}
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/export_contract.py"]
    ended = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-8000:]
