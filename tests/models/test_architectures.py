"""The list of architectures. No framework."""

import subprocess
import sys

import pytest

import models


def test_importing_the_package_imports_no_framework() -> None:
    program = (
        "import sys, models, models.weights;"
        "print([name for name in ('torch', 'keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout.strip() == b"[]"


def test_an_unknown_architecture_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="unknown architecture 'rnn'; choose from mlp, cnn"):
        models.load("rnn", "pytorch")


def test_a_family_without_a_file_of_an_architecture_is_told_which_have_one() -> None:
    with pytest.raises(ValueError, match="mlp-wide has no keras file, only pytorch"):
        models.load("mlp-wide", "keras")


def test_two_architectures_of_one_file_differ_in_their_sizes() -> None:
    pytest.importorskip("torch", reason="the framework of both")
    small, wide = (models.load(name, "pytorch").build(10) for name in ("mlp-small", "mlp-wide"))
    assert (small.dense.out_features, wide.dense.out_features) == (64, 16 * 64)
