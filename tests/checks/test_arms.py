"""One experiment as arms: on a fake device, and on real runs, where any speed will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from bench.checks import AuditError, arms
from bench.machine.clock import Stopwatch
from bench.results.record import Measurement
from bench.run.measure import measure
from bench.run.scheduler import Site
from bench.run.worker import delayed
from bench.stats.verdict import delay_found
from tests.checks.audits import a_bench, short_experiment
from tests.fakes import TRAIN_S_PER_IMAGE, FakeTrainer, an_experiment
from tests.records import make_record
from tests.run.test_measure import a_subject, a_trainer


def test_every_other_round_goes_backwards_with_a_seed_of_its_own() -> None:
    order = [(run.seed, arm) for run, arm in arms.turns(an_experiment(), 3, ("a", "b", "c"), 7)]
    assert order == [
        *((7, "a"), (7, "b"), (7, "c")),
        *((8, "c"), (8, "b"), (8, "a")),
        *((9, "a"), (9, "b"), (9, "c")),
    ]


@pytest.mark.parametrize(
    ("trial_s", "epochs"), [(arms.TRAIN_S, arms.TRIAL_EPOCHS), (0.001, 300.0), (1000.0, 0.1)]
)
def test_a_run_is_made_as_long_as_its_trial_asks(trial_s: float, epochs: float) -> None:
    assert arms.epochs(trial_s) == epochs


# The delay


def passing(fake: FakeTrainer) -> Callable[[float], None]:
    """A sleep that moves the fake's clock."""

    def sleep(seconds: float) -> None:
        fake.now_s += seconds

    return sleep


def test_a_right_clock_reads_the_work_and_the_delay() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(100))
    watch = Stopwatch(synchronize=fake.synchronize, clock=fake.clock)
    _, seconds = watch.time("train", delayed(fake.train, 0.25, passing(fake)))
    assert seconds == pytest.approx(100 * TRAIN_S_PER_IMAGE + 0.25)


def test_a_clock_of_processor_time_misses_a_delay_that_really_passes() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(100))
    watch = Stopwatch(synchronize=fake.synchronize, clock=time.process_time)
    start = time.monotonic()
    _, seconds = watch.time("train", delayed(fake.train, 0.3))
    assert time.monotonic() - start >= 0.3
    assert seconds < 0.3


def test_the_delay_is_before_the_work_which_a_device_would_do_meanwhile() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(3))
    done_before: list[str] = []
    delayed(fake.train, 1.0, lambda _: done_before.extend(fake.calls))()
    assert done_before == ["arrange"]
    assert fake.calls == ["arrange", "train"]


def test_a_delayed_run_is_the_same_run_but_for_its_training_seconds() -> None:
    plain, slow = a_trainer(), a_trainer()
    expected = measured(plain)
    late = measured(slow, delayed(slow.train, 10.0, passing(slow)))
    assert slow.calls == plain.calls
    assert late.parameter_count == expected.parameter_count
    assert late.test == expected.test
    assert late.phases.train_s == pytest.approx(expected.phases.train_s + 2 * 10.0)
    others = [asdict(replace(each.phases, train_s=0)) for each in (late, expected)]
    assert others[0] == pytest.approx(others[1])


def measured(fake: FakeTrainer, train: Callable[[], None] | None = None) -> Measurement:
    """Two epochs, each a call of ``train``."""
    return measure(
        a_subject(fake, epochs=2),
        start_s=0,
        import_s=0,
        data_s=0,
        keep=lambda _: None,
        train=train,
        clock=fake.clock,
    )


# Real runs


INJECTED_S = 0.5
LARGE_S = 1.0  # far above what the processor time of a run varies by
BROKEN = """
import time
began = time.perf_counter()
time.perf_counter = lambda: began + time.process_time()
"""


def test_a_delay_passes_through_the_whole_machinery_to_the_record(site: Site) -> None:
    bench = a_bench(site)
    timed = arms.compare(short_experiment(), 1, bench, injected_s=INJECTED_S)
    assert timed.injected_s == (INJECTED_S,)
    assert timed.delayed_s[0] >= INJECTED_S  # spread over both calls of train()
    assert len(timed.a_s) == len(timed.same_s) == 1
    assert bench.runs == 3
    assert len(bench.pulses) >= 3  # more where other programs disturbed a run


@pytest.mark.usefixtures("each_once")
def test_a_clock_that_skips_the_delay_is_caught(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers are given a clock that counts processor time, which does not pass in sleep."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    timed = arms.compare(short_experiment(), 2, a_bench(site), injected_s=LARGE_S)
    assert not delay_found(timed).found


@pytest.mark.parametrize(
    ("shares", "disturbed"), [([0.02], 0), ([0.5, 0.02], 0), ([0.5, 0.4, 0.3], 1)]
)
def test_a_disturbed_run_of_an_arm_is_run_again_and_its_last_try_counts(
    shares: list[float], disturbed: int, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = [make_record(others_share=share, train_s=(1.0, share)) for share in shares]
    left = iter(tries)
    monkeypatch.setattr(arms, "run_one", lambda *_, **__: next(left))
    bench = a_bench(site)
    assert bench.train_s(tries[-1].run, arms.A) == pytest.approx(1 + shares[-1])
    assert next(left, None) is None
    assert (bench.runs, bench.disturbed) == (1, disturbed)


@pytest.mark.usefixtures("each_once")
def test_two_equal_arms_are_run_alone(site: Site) -> None:
    timed = arms.compare(short_experiment(), 1, a_bench(site), arms=arms.EQUAL, first_seed=7)
    assert (len(timed.a_s), len(timed.same_s)) == (1, 1)
    assert (timed.delayed_s, timed.injected_s) == ((), ())


def test_a_run_that_fails_ends_the_comparison_with_its_reason(site: Site) -> None:
    hopeless = replace(short_experiment(), learning_rate=1e30)
    with pytest.raises(AuditError, match="a run of numpy: diverged: the training loss is"):
        arms.compare(hopeless, 1, a_bench(site), arms=arms.EQUAL)
