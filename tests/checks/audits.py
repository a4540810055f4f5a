"""Audits made up for tests, and where the arms of a real one are run."""

from __future__ import annotations

from collections.abc import Sequence

import datasets
from bench.checks import auditing
from bench.checks.arms import Bench, experiment
from bench.experiment import Experiment
from bench.results.evidence import Arms, Audit, Timer
from bench.results.record import Pulse
from bench.run.scheduler import Site
from datasets.tasks import silent
from tests.fakes import an_experiment
from tests.records import MACHINE

TIMER = Timer(name="a clock", resolution_s=1e-8, cost_s=1e-8)
A_S = (1.00, 1.01, 0.99, 1.00, 1.01)
SAME_S = (1.01, 1.00, 1.00, 0.99, 1.01)
DELAYED_S = (1.054, 1.056, 1.043, 1.047, 1.06)  # 0.05 more, and a few milliseconds of noise


def some_arms(same_s: Sequence[float] = SAME_S, delayed_s: Sequence[float] = DELAYED_S) -> Arms:
    """Five rounds; the two equal arms are alike and the delay can be seen."""
    return Arms(
        experiment=an_experiment(),
        a_s=A_S,
        same_s=tuple(same_s),
        delayed_s=tuple(delayed_s),
        injected_s=(0.05,) * len(delayed_s),
    )


UNEQUAL = some_arms(same_s=[0.9 * seconds for seconds in SAME_S])


def an_audit(arms: Arms | None, repetitions: Sequence[Arms] = ()) -> Audit:
    """Of these arms; None: they could not be run."""
    return Audit(
        made_at="2026-01-01T00:00:00+00:00",
        machine=MACHINE,
        timer=TIMER,
        arms=arms,
        repetitions=tuple(repetitions),
    )


def warned(arms: Arms | None, pulses: Sequence[Pulse] = (), timer: Timer = TIMER) -> list[str]:
    """What is warned of after an audit with these arms."""
    return list(auditing.warnings(timer, [arms] if arms else [], pulses))


def a_bench(site: Site) -> Bench:
    """Shows nothing."""
    stage = datasets.Stage(name="testing", total=0, unit="runs")
    return Bench(site=site, progress=silent, stage=stage)


def short_experiment() -> Experiment:
    """Two calls of ``train``, some steps in all."""
    return experiment("numpy", "cpu", epochs=1.5)
