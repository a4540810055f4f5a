"""One trainer beside the referee: the checks of its certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

import models
from bench.checks import trial
from bench.checks.trial import (
    OPTIMIZERS,
    STEPS,
    Array,
    Arrays,
    Create,
    Observed,
    Sample,
    Start,
    Stretch,
    Subject,
    Trajectory,
    experiment,
)
from bench.experiment import Precision, Recipe
from bench.results.evidence import Check
from bench.stats import tolerances
from bench.stats.tolerances import Kind, deviation, largest
from bench.trainers.optimizers_numpy import choose
from models.layers_numpy import Network, softmax_cross_entropy

# The referee: the same quantities by the float64 networks and optimisers of plain NumPy.
#
# What it rounds away is 2^-53, half a billion times less than float32: beside any framework it
# may stand for exact arithmetic.


def weight_shapes(architecture: str, classes: int) -> Mapping[str, Array]:
    """Arrays with the names and shapes of a network's weights, in the neutral layout."""
    return _build(architecture, classes).parameters


def observe_referee(
    subject: Subject, sample: Sample, start: Start, *, gradients: Arrays
) -> Observed:
    """What a trainer should have shown.

    Args:
        subject: of the trainer.
        sample: the images that it was given.
        start: the weights and the order that it was given.
        gradients: of its own first step. The referee's first updates are made of these, so that
            they judge the optimiser alone: Adam divides by |g|, and would magnify into a whole
            update what rounding does to a gradient near zero.
    """
    network = _network(subject, sample, start)
    logits = network.forward(sample.evaluation_images).copy()
    _backward(network, sample, start.batches[0])
    trajectories = {
        name: _trajectory(subject, recipe, sample, start, gradients)
        for name, recipe in OPTIMIZERS.items()
    }
    adam = trajectories["Adam"]
    images = [len(batch) for batch in start.batches]
    return Observed(
        logits=logits,
        gradients={name: array.copy() for name, array in network.gradients.items()},
        trajectories=trajectories,
        stretch=Stretch(loss=float(np.average(adam.losses, weights=images)), logits=adam.logits),
    )


def _trajectory(
    subject: Subject, recipe: Recipe, sample: Sample, start: Start, gradients: Arrays
) -> Trajectory:
    network = _network(subject, sample, start)
    optimizer = choose(experiment(subject, recipe))
    losses = []
    for batch in start.batches:
        losses.append(_backward(network, sample, batch))
        optimizer.step(network.parameters, network.gradients)
    return Trajectory(
        update=_first_update(subject, recipe, gradients),
        losses=np.array(losses),
        logits=network.forward(sample.evaluation_images).copy(),
    )


def _first_update(subject: Subject, recipe: Recipe, gradients: Arrays) -> Arrays:
    """What the first step adds to weights: what it makes of zeros."""
    weights = {name: np.zeros_like(array) for name, array in gradients.items()}
    choose(experiment(subject, recipe)).step(weights, gradients)
    return weights


def _backward(network: Network, sample: Sample, batch: NDArray[np.int64]) -> float:
    """Leave the gradients of a batch in the network; return its mean loss."""
    logits = network.forward(sample.train_images[batch], training=True)
    loss, gradient = softmax_cross_entropy(logits, sample.train_labels[batch])
    network.backward(gradient)
    return loss


def _network(subject: Subject, sample: Sample, start: Start) -> Network:
    network = _build(subject.architecture, sample.classes)
    for name, array in network.parameters.items():
        array[...] = start.weights[name]
    return network


def _build(architecture: str, classes: int) -> Network:
    built: Network = models.load(architecture, "numpy").build(
        classes, dropout=False, dtype=np.float64
    )
    return built


STARTS = tuple(range(1, 10))  # seeds, in the order in which they are tried
JUDGED = 3  # starts that are held against a framework: rounding does not explain what failed there

# Starts near one, by which rounding is judged, and how near they are: a quarter of what logits may
# be apart. In float32 that moves weights by up to 16 roundings, and logits by up to 30, twice as
# many as NumPy's own float32 does: far enough for rounding's rarer cases to be among them.
NEIGHBOURS = 6
NEARNESS = 2.0**-2


class NotFinite(Exception):
    """A quantity that is infinite or no number, and so cannot be compared."""


def examine(
    create: Create, subject: Subject, sample: Sample, *, starts: Sequence[int] = STARTS
) -> tuple[tuple[Check, ...], int]:
    """Put the trainers that ``create`` makes through the trial, and compare with the referee.

    Returns the checks, and from how many starts they are.

    Where a check does not pass, all is done again from another start, and the smaller deviation
    of each quantity is kept: now and then an input of a ReLU is so near zero that rounding alone
    decides whether it opens, and all that follows differs. A fault shows from every start, and
    after ``JUDGED`` starts it is held against the framework. Only those are counted at which
    rounding does not decide all that failed: see ``decided_by_rounding``.

    Raises NotFinite, and whatever the trainer raises.
    """
    shapes = weight_shapes(subject.architecture, sample.classes)
    checks: tuple[Check, ...] = ()
    tried = judged = 0
    while tried < len(starts) and judged < JUDGED:
        start = trial.begin(subject, sample, shapes, starts[tried])
        observed = trial.observe(create, subject, sample, start)
        referee_from = partial(observe_referee, subject, sample, gradients=observed.gradients)
        wanted = referee_from(start)
        again = _checks(observed, wanted, subject.precision)
        checks = tuple(map(_better, checks or again, again))
        tried += 1
        failed = _failed(checks)
        if not failed or tried == len(starts):
            break
        neighbours = _neighbours(referee_from, start, subject.precision)
        judged += not decided_by_rounding(failed, wanted, neighbours, subject.precision)
    return checks, tried


def _better(first: Check, second: Check) -> Check:
    return min(first, second, key=lambda check: check.deviation)


def _neighbours(
    referee_from: Callable[[Start], Observed], start: Start, precision: Precision
) -> Iterator[Observed]:
    """The referee from weights that are moved as little as rounding moves a framework's."""
    share = NEARNESS * tolerances.of("logits", precision).value
    for seed in range(NEIGHBOURS):
        yield referee_from(trial.moved(start, share, seed))


def decided_by_rounding(
    failed: frozenset[str], wanted: Observed, neighbours: Iterable[Observed], precision: Precision
) -> bool:
    """Whether every check that failed is failed by a neighbour of the referee too.

    The referee and its neighbours are float64, so the answer is the same on every processor and
    with every kernel of a BLAS, whatever rounds in the framework.
    """
    for neighbour in neighbours:
        failed -= _failed(_checks(neighbour, wanted, precision))
        if not failed:
            return True
    return False


def _failed(checks: tuple[Check, ...]) -> frozenset[str]:
    """The quantities whose checks do not pass."""
    return frozenset(check.quantity for check in checks if not check.passed)


def _checks(observed: Observed, wanted: Observed, precision: Precision) -> tuple[Check, ...]:
    return tuple(
        _check(quantity, kind, apart, precision)
        for quantity, kind, apart in compare(observed, wanted, precision, steps=STEPS)
    )


def compare(
    observed: Observed, wanted: Observed, precision: Precision, *, steps: int
) -> Iterator[tuple[str, Kind, float]]:
    """Every quantity: its name, its kind, and how far it is from the referee's.

    Arrays of weights are judged one by one, and the largest deviation is taken.
    """
    yield "logits at step 0", "logits", deviation(observed.logits, wanted.logits)
    order = tolerances.norm("gradients", precision)
    yield "gradients at step 1", "gradients", largest(observed.gradients, wanted.gradients, order)
    for name, own in observed.trajectories.items():
        other = wanted.trajectories[name]
        yield f"first update by {name}", "update", largest(own.update, other.update)
        kind: Kind = "Adam's losses" if name == "Adam" else "losses"
        yield f"losses of {steps} steps by {name}", kind, deviation(own.losses, other.losses)
        yield (
            f"logits after {steps} steps by {name}",
            "trained logits",
            deviation(own.logits, other.logits),
        )
    call, own_call = f"one call of {steps} steps by Adam", observed.stretch
    yield f"mean loss of {call}", "Adam's losses", deviation(own_call.loss, wanted.stretch.loss)
    yield (
        f"logits after {call}",
        "trained logits",
        deviation(own_call.logits, wanted.stretch.logits),
    )


def _check(quantity: str, kind: Kind, apart: float, precision: Precision) -> Check:
    if not math.isfinite(apart):
        raise NotFinite(f"{quantity}: not a finite number")
    allowed = tolerances.of(kind, precision)
    return Check(quantity=quantity, deviation=apart, tolerance=allowed.value, reason=allowed.reason)
