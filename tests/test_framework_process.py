"""What the benchmarks report is what the framework's process measured, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.trainers import FrameworkMissing
from tests.benchmarks.framework_client import ChildClock, FrameworkProcess
from tests.benchmarks.framework_process import MOST_IMAGES, Answer, Command, drawn_setup, prepare
from tests.fakes import INFER_S, TRAIN_S_PER_IMAGE, FakeTrainer, an_experiment

PROJECT = Path(__file__).resolve().parent.parent
BENCHMARKS = "tests/benchmarks/test_training_steps.py"
# of the framework that starts fastest
EXPERIMENT = an_experiment(framework="numpy", source="glyphs", goal="throughput", batch_size=20)


def _pytest(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A pytest of its own: not one of several that share the tests, which time nothing."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    alone = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    return subprocess.run(command, cwd=PROJECT, env=alone, capture_output=True, text=True)


@pytest.fixture
def clock() -> ChildClock:
    return ChildClock()


@pytest.fixture
def process(clock: ChildClock) -> Iterator[FrameworkProcess]:
    """A real child, with NumPy's trainer in it."""
    process = FrameworkProcess(EXPERIMENT, clock)
    yield process
    process.close()


def test_a_step_is_timed_until_the_device_has_done_it_and_the_warm_up_is_not() -> None:
    trainer = FakeTrainer(labels=[], losses=[])
    subject = prepare(trainer, drawn_setup(EXPERIMENT), trainer.clock)
    assert subject.step_s() == pytest.approx(20 * TRAIN_S_PER_IMAGE)
    assert subject.infer_s() == pytest.approx(INFER_S)


@pytest.mark.parametrize(
    ("batch_size", "steps"),
    [
        (20, 64),  # 4 steps of 0.02 s, doubled until they take a second
        (128, 8),
        (1024, 4),  # over a second, but no fewer
    ],
)
def test_a_stretch_takes_a_second_in_whole_batches(batch_size: int, steps: int) -> None:
    trainer = FakeTrainer(labels=[], losses=[])
    setup = drawn_setup(an_experiment(batch_size=batch_size))
    subject = prepare(trainer, setup, trainer.clock)
    assert TRAIN_S_PER_IMAGE == 0.001
    assert subject.stretch == steps * batch_size
    assert subject.step_s() == pytest.approx(batch_size * TRAIN_S_PER_IMAGE)
    assert len(subject.batch) == batch_size


def test_a_stretch_on_a_fast_device_is_no_longer_than_an_epoch() -> None:
    trainer = FakeTrainer(labels=[], losses=[])
    subject = prepare(trainer, drawn_setup(an_experiment(batch_size=1024)), lambda: 0.0)
    assert subject.stretch == MOST_IMAGES


@pytest.mark.parametrize("work", ["step", "infer"])
def test_the_clock_moves_by_the_child_s_seconds_which_fit_into_ours(
    process: FrameworkProcess, clock: ChildClock, work: str
) -> None:
    process.build(EXPERIMENT)
    assert clock.read() == 0.0  # building and the way to the child and back do not count
    start = time.perf_counter()
    seconds = process.step(EXPERIMENT) if work == "step" else process.infer(EXPERIMENT)
    assert 0.0 < seconds < time.perf_counter() - start
    assert clock.read() == seconds


def test_the_statistics_of_pytest_benchmark_are_the_child_s_seconds(tmp_path: Path) -> None:
    test_file, report = tmp_path / "test_one.py", tmp_path / "report.json"
    test_file.write_text(
        "import pytest\n"
        "from tests.benchmarks.framework_client import CHILD_CLOCK, FrameworkProcess\n"
        "from tests.test_framework_process import EXPERIMENT\n"
        "@pytest.mark.benchmark(timer=CHILD_CLOCK.read)\n"
        "def test_one(benchmark):\n"
        "    process, answers = FrameworkProcess(EXPERIMENT), []\n"
        "    def step():\n"
        "        answers.append(process.step(EXPERIMENT))\n"
        "    benchmark.pedantic(step, rounds=3, warmup_rounds=1)\n"
        "    benchmark.extra_info['answers'] = answers\n"
        "    process.close()\n"
    )
    done = _pytest(test_file, f"--rootdir={PROJECT}", f"--benchmark-json={report}")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(report.read_text())["benchmarks"]
    answers = found["extra_info"]["answers"]
    assert len(answers) == 4
    assert found["stats"]["data"] == pytest.approx(answers[1:], rel=1e-9)  # the first warms up


def test_runs_are_saved_and_compared_under_the_same_names(tmp_path: Path) -> None:
    words = [BENCHMARKS, "-k", "numpy-eager-cpu-mlp-20-infer", "--benchmark-only"]
    words += [f"--benchmark-storage={tmp_path}", "--benchmark-autosave"]
    first = _pytest(*words)
    assert first.returncode == 0, first.stdout + first.stderr
    (saved,) = tmp_path.rglob("0001_*.json")
    (found,) = json.loads(saved.read_text())["benchmarks"]
    assert found["group"] == "inference batch, mlp, batch 20"
    assert found["extra_info"]["images_per_s"] == pytest.approx(20 / found["stats"]["median"])
    second = _pytest(*words, "--benchmark-compare")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "test_throughput[numpy-eager-cpu-mlp-20-infer] (0001_" in second.stdout
    assert "test_throughput[numpy-eager-cpu-mlp-20-infer] (NOW)" in second.stdout


def test_a_plain_pytest_leaves_the_benchmarks_out_and_says_so() -> None:
    plain = _pytest("tests/benchmarks", "--collect-only")
    assert "benchmarks left out; --benchmark-only runs them" in plain.stdout
    assert "test_throughput" not in plain.stdout
    assert (
        "test_throughput"
        in _pytest("tests/benchmarks", "--collect-only", "--benchmark-only").stdout
    )


def test_an_error_in_the_child_is_told_and_the_next_network_is_built(
    process: FrameworkProcess,
) -> None:
    with pytest.raises(RuntimeError, match="unknown architecture 'rnn'"):
        process.build(an_experiment(architecture="rnn"))
    process.build(EXPERIMENT)
    assert process.infer(EXPERIMENT) > 0.0


def test_a_framework_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    (tmp_path / "torch.py").write_text(words)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # found before what is installed
    experiment = replace(EXPERIMENT, framework="pytorch")
    process = FrameworkProcess(experiment)
    with pytest.raises(FrameworkMissing, match="pytorch needs the package 'torch'"):
        process.build(experiment)
    process.close()


def test_a_child_that_died_is_told_with_its_exit_code() -> None:
    process = FrameworkProcess(EXPERIMENT)
    process._process.kill()
    with pytest.raises(RuntimeError, match="the child ended with exit code -9"):
        process.build(EXPERIMENT)
    process.close()


def test_what_a_framework_prints_does_not_come_between_the_answers() -> None:
    """Through Python's print and past it, as native libraries do."""
    program = (
        "import os\n"
        "from tests.benchmarks import framework_process as child\n"
        "def chatter(self, command):\n"
        "    print('from Python')\n"
        "    os.write(1, b'from a library\\n')\n"
        "    return child.Answer(seconds=0.5)\n"
        "child.Child.answer = chatter\n"
        "child.main()\n"
    )
    command = msgspec.json.encode(Command(action="step", experiment=EXPERIMENT)) + b"\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, input=2 * command, capture_output=True
    )
    answers = [msgspec.json.decode(line, type=Answer) for line in done.stdout.splitlines()]
    assert answers == 2 * [Answer(seconds=0.5)], done.stderr
    assert done.stderr.count(b"from Python") == done.stderr.count(b"from a library") == 2
