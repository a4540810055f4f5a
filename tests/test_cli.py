"""The command line of run_all.py: what is read, and what a mistake is told."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import COMMANDS, main, usage
from bench.cli import parse
from tests.imports import ROOT


def test_lists_are_comma_separated() -> None:
    options = parse(["--device", "cpu,cuda", "--batch-size", "20,128", "--task", "letters"])
    assert options.devices == ("cpu", "cuda")
    assert options.batch_sizes == (20, 128)
    assert options.tasks == ("letters",)


def test_what_is_trained_with_can_be_lists_too() -> None:
    words = ["--learning-rate", "0.001,0.01", "--optimizer", "adam,sgd", "--epochs", "0.5,3"]
    options = parse([*words, "--validation-share", "10%,20%", "--init", "native,matched"])
    assert options.optimizers == ("adam", "sgd")
    assert (options.learning_rates, options.epochs) == ((0.001, 0.01), (0.5, 3))
    assert options.validation_shares == (0.1, 0.2)
    assert options.inits == ("native", "matched")


def test_what_repeats_in_a_list_counts_once() -> None:
    assert parse(["--framework", "pytorch,pytorch"]).frameworks == ("pytorch",)


def test_nothing_given_leaves_all_to_the_preset() -> None:
    options = parse([])
    assert options.preset == "quick"
    assert (options.tasks, options.devices, options.epochs, options.seeds) == (None,) * 4


def test_an_interpreter_can_be_named_for_a_framework() -> None:
    options = parse(["--python", f"keras-tensorflow={sys.executable}"])
    assert options.pythons == {"keras-tensorflow": Path(sys.executable)}


def test_interpreters_can_be_named_one_by_one() -> None:
    words = ["--python", f"keras-jax={sys.executable}", "--python", f"pytorch={sys.executable}"]
    assert set(parse(words).pythons) == {"keras-jax", "pytorch"}


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "python").touch()
    assert parse(["--python", "pytorch=~/python"]).pythons == {"pytorch": tmp_path / "python"}


def test_seeds_can_be_found_out_for_a_comparison() -> None:
    words = ["--seeds", "auto", "--between", "pytorch,numpy", "--within", "3%", "--budget", "20m"]
    options = parse(words)
    assert (options.seeds, options.between) == ("auto", ("pytorch", "numpy"))
    assert options.within == pytest.approx(0.03)
    assert options.budget_s == 1200


@pytest.mark.parametrize(("said", "seconds"), [("90", 90), ("90s", 90), ("1.5h", 5400)])
def test_a_duration_has_a_unit(said: str, seconds: float) -> None:
    words = ["--seeds", "auto", "--between", "pytorch,numpy", "--budget", said]
    assert parse(words).budget_s == seconds


def test_devices_are_read_with_their_numbers() -> None:
    assert parse(["--device", "cpu,cuda:1,cuda:0"]).devices == ("cpu", "cuda:1", "cuda:0")


def test_precision_threads_and_price_are_read() -> None:
    options = parse(["--precision", "fp32,bf16", "--threads", "1,2", "--price", "2.50/h"])
    assert (options.precisions, options.threads) == (("fp32", "bf16"), (1, 2))
    assert options.price_per_h == 2.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--precision", "fp16"], "unknown precision 'fp16'; choose from fp32, tf32, bf16"),
        (["--threads", "0"], "'0' is no whole number from 1 up"),
        (["--replicas", "0"], "'0' is no whole number from 1 up"),
        (["--scaling", "weak"], "--scaling needs --replicas"),
        (["--replicas", "2", "--execution", "eager"], "needs the execution data-parallel: add it"),
        (["--init", "zero"], "unknown init 'zero'; choose from matched, native"),
        (["--price", "2.50"], "'2.50' is no price an hour; give one such as 2.50/h"),
        (["--price", "0/h"], "'0/h' is no price an hour; give one such as 2.50/h"),
        (["--seeds", "auto"], "--seeds auto and --between go together"),
        (["--between", "numpy,pytorch"], "--seeds auto and --between go together"),
        (["--seeds", "auto", "--between", "numpy"], "--between needs two different frameworks"),
        (["--seeds", "auto", "--budget", "soon"], "'soon' is no number above 0"),
        (["--task", "digit"], "unknown task 'digit'; choose from digits, letters"),
        (["--framework", "pytorch,keras"], "unknown framework 'keras'; choose from pytorch"),
        (["--device", "gpu"], "unknown device 'gpu'; choose from cpu, cuda, mps"),
        (["--device", "cuda:"], "unknown device 'cuda:'; choose from cpu, cuda, mps, or by its"),
        (["--device", "cpu:1"], "unknown device 'cpu:1'"),
        (["--device", "cuda:-1"], "unknown device 'cuda:-1'"),
        (["--device", "cuda:01"], "unknown device 'cuda:01'"),
        (["--device", "cuda:1:2"], "unknown device 'cuda:1:2'"),
        (["--preset", "fast"], "unknown preset 'fast'; choose from quick, "),
        (["--source", "emnist"], "unknown source 'emnist'; choose from mnist"),
        (["--batch-size", "20,zero"], "'zero' is no whole number from 1 up"),
        (["--batch-size", "0"], "'0' is no whole number from 1 up"),
        (["--seeds", "0"], "'0' is no whole number from 1 up"),
        (["--epochs", "-1"], "'-1' is no number above 0"),
        (["--learning-rate", "nan"], "'nan' is no number above 0"),
        (["--timeout", "inf"], "'inf' is no number above 0"),
        (["--seed", "5"], "unrecognized arguments: --seed 5"),
        (["--resume"], "--resume needs --out"),
        (["--out", "a", "--retry-failed"], "--retry-failed needs --resume"),
        (["--optimizer", "sgd"], "--optimizer needs --learning-rate"),
        (["--optimizer", "adam,lion"], "unknown optimizer 'lion'; choose from adam, sgd"),
        (["--learning-rate", "0.1,0"], "'0' is no number above 0"),
        (["--epochs", "1,1e7"], "--epochs: 10000000.0 is too much; give at most 1,000,000"),
        (["--validation-share", "20%,100%"], "--validation-share: nothing would be left"),
        (["--shard", "3/16"], "--shard needs --out: name the folder that all blocks share"),
        (["--out", "a", "--shard", "17/16"], "'17/16' is no shard; give one such as 3/16"),
        (["--out", "a", "--shard", "1/2", "--on", "local"], "--on and --shard are different"),
        (["--out", "a", "--on", "ray"], "unknown engine 'ray'; choose from slurm, local"),
        (["--out", "a", "--on", "local", "--cluster", "x"], "--cluster goes with --on slurm"),
        (["--out", "a", "--kind", "gpu"], "--kind goes with --shard"),
        (["--out", "a", "--kind", "GPU"], "'GPU' is no name of a kind of node"),
        (["--python", "pytorch"], "'pytorch' is not FRAMEWORK=PATH"),
        (["--python", "pytorch=/no/such/python"], "'/no/such/python' is no Python interpreter"),
    ],
)
def test_a_mistake_says_what_came_and_what_was_wanted(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


# python -m bench


class Read(Exception):
    """A command line was read."""


def read_only(parser: argparse.ArgumentParser, *arguments: Any) -> None:
    """In the place of ``parse_known_args``: read as it does, and go no further."""
    _, unknown = read_words(parser, *arguments)
    raise Read(unknown)


read_words: Callable[..., tuple[Any, list[str]]] = argparse.ArgumentParser.parse_known_args


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_ends_its_help_with_examples_that_it_reads(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _, function = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), function or "main")
    with pytest.raises(SystemExit):
        command(["--help"])
    examples = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
    assert len(examples) == 2
    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", read_only)
    for example in examples:
        python, m, bench, called, *words = shlex.split(example)
        assert (python, m, bench, called) == ("python", "-m", "bench", name)
        with pytest.raises(Read) as caught:
            command(words)
        assert caught.value.args == ([],)


def test_without_a_command_each_is_listed_once_under_what_one_wants() -> None:
    lines = usage().splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert listed == list(COMMANDS)
    assert all(len(line) <= 80 for line in lines)
    assert "to use a model" in lines


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert main(["--version"]) == 0
    with pytest.raises(SystemExit) as caught:
        parse(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == 2 * f"{project['name']} {project['version']}\n"
