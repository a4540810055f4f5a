"""The audit on real runs, in processes of their own. What is asserted holds at any speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from bench.checks import AuditError, arms, auditing
from bench.checks.audit import main, passed
from bench.experiment import Experiment
from bench.machine import hardware
from bench.results.folder import Results
from bench.run import versions
from bench.run.material import describe
from bench.run.scheduler import Site
from bench.stats.verdict import delay_found
from datasets.tasks import silent
from tests.suite_process import PATIENCE_S, bench

INJECTED_S = 0.5
LARGE_S = 1.0  # far above what the processor time of a run varies by
BROKEN = "import time\ntime.perf_counter = time.process_time\n"


@pytest.fixture(scope="module")
def site() -> Site:
    """A thousand drawn digits, and the framework that starts fastest."""
    prepared = datasets.prepare("digits", source="glyphs", glyphs_images=1000)
    data = describe(datasets.open_cached(prepared.folder))
    return Site(
        results=Results(Path()),
        data={("digits", "glyphs"): (prepared.folder, data)},
        machine=hardware.observe(),
        timeout_s=PATIENCE_S,
        pythons={},
        versions={"numpy": versions.installed(["numpy"])},
    )


def a_bench(site: Site) -> arms.Bench:
    stage = datasets.Stage(name="testing", total=0, unit="runs")
    return arms.Bench(site=site, progress=silent, stage=stage)


def an_experiment() -> Experiment:
    """Two calls of ``train``, some steps in all."""
    return arms.experiment("numpy", "cpu", epochs=1.5)


def test_a_delay_passes_through_the_whole_machinery_to_the_record(site: Site) -> None:
    bench = a_bench(site)
    found = arms.three(an_experiment(), 1, INJECTED_S, bench)
    assert found.injected_s == (INJECTED_S,)
    assert found.delayed_s[0] >= INJECTED_S  # spread over both calls of train()
    assert len(found.a_s) == len(found.same_s) == 1
    assert len(bench.pulses) == bench.runs == 3


def test_a_clock_that_skips_the_delay_is_caught(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers are given a clock that counts processor time, which does not pass in sleep."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = arms.three(an_experiment(), 2, LARGE_S, a_bench(site))
    assert not delay_found(found).found


def test_two_equal_arms_are_run_alone(site: Site) -> None:
    bench = a_bench(site)
    found = arms.two(an_experiment(), 1, first_seed=7, bench=bench)
    assert (len(found.a_s), len(found.same_s)) == (1, 1)
    assert (found.delayed_s, found.injected_s) == ((), ())


def test_a_run_that_fails_ends_the_comparison_with_its_reason(site: Site) -> None:
    hopeless = replace(an_experiment(), learning_rate=1e30)
    with pytest.raises(AuditError, match="a run of numpy: diverged: the training loss is"):
        arms.two(hopeless, 1, first_seed=0, bench=a_bench(site))


def test_the_command_leaves_what_it_found_and_its_exit_code_says_whether_it_passed(
    tmp_path: Path,
) -> None:
    done = bench("audit", "--rounds", "2", "--out", tmp_path, check=None)
    found = Results(tmp_path).evidence().audit
    assert found is not None, done.stderr
    assert found.arms is not None
    assert found.arms.injected_s == (arms.DELAY_SHARE * found.arms.a_s[0],) * 2
    assert found.machine == hardware.observe()
    assert ("cpu", "fp32") in {(each.device, each.precision) for each in found.peaks}
    assert all(each.flop_per_s > 0 and each.bytes_per_s > 0 for each in found.peaks)
    assert done.returncode == (0 if passed(found) else 1), done.stderr
    for said in ("Noise floor", "Injected delay of", "Timer: perf_counter", "Steadiness:"):
        assert said in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--framework", "nunpy"], "unknown framework 'nunpy'; choose from pytorch"),
        (["--rounds", "1"], "'1' is no whole number from 2 up"),
        (["--framework", "numpy", "--device", "mps"], "--device mps"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_run(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = ended.code  # type: ignore[assignment]
    assert code == 2
    assert said in capsys.readouterr().err


def test_what_cannot_be_measured_is_absent_with_a_warning_that_says_why(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are given no time, and PyTorch has an interpreter that cannot be started."""
    monkeypatch.setattr(auditing, "RUN_TIMEOUT_S", 0.01)
    monkeypatch.setattr(auditing, "IMAGES", 1000)
    in_bf16 = replace(an_experiment(), framework="pytorch", precision="bf16")
    found = auditing.short([in_bf16], replace(site, pythons={"pytorch": Path("no-such-python")}))
    assert found.arms is None
    assert found.peaks == ()
    assert [reading.device for reading in found.unsynchronised] == ["cpu"]
    assert "a run of numpy: timed out" in found.warnings[0]
    assert "bf16 on cpu: no-such-python cannot be started" in found.warnings[1]
