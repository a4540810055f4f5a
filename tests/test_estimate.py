"""About how long a run takes: in the right order, if not to the second."""

from __future__ import annotations

from bench.estimate import CPU_RATES, seconds
from bench.trainers import FRAMEWORKS
from tests.fakes import an_experiment
from tests.records import make_data

EXPERIMENT = an_experiment(batch_size=128, epochs=5)
DATA = make_data(EXPERIMENT)


def test_more_epochs_take_longer() -> None:
    assert seconds(an_experiment(batch_size=128, epochs=50), DATA) > seconds(EXPERIMENT, DATA)


def test_small_batches_take_longer() -> None:
    assert seconds(an_experiment(batch_size=2, epochs=5), DATA) > seconds(EXPERIMENT, DATA)


def test_compiling_takes_longer_to_begin_with() -> None:
    compiled = an_experiment(batch_size=128, epochs=5, execution="compiled")
    assert seconds(compiled, DATA) > seconds(EXPERIMENT, DATA)


def test_timing_steps_alone_takes_less_than_training_with_evaluations() -> None:
    assert seconds(an_experiment(batch_size=128, epochs=5, goal="throughput"), DATA) < seconds(
        EXPERIMENT, DATA
    )


def test_every_execution_of_every_framework_has_a_measured_rate() -> None:
    offered = {(name, e) for name, spec in FRAMEWORKS.items() for e in spec.executions}
    assert offered == set(CPU_RATES)
