"""Two networks beside one another: what they say, and how long each takes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.machine.clock import MAX_SAMPLES, WARM_UP_CALLS
from bench.results.evidence import ExportRound
from bench.saved import export_child
from bench.saved.export_child import NotNumbers, compare
from bench.trainers import Features, Images, Logits

LOGITS = np.random.default_rng(0).normal(0, 10, (100, 10)).astype(np.float32)
IMAGES = np.arange(40 * 784, dtype=np.float32).reshape(40, 28, 28)


class Answering:
    """A network that notes what it was asked, on a clock that it moves itself."""

    def __init__(self, name: str, call_s: float, events: list[tuple[str, int]]) -> None:
        self.name, self.call_s, self.events = name, call_s, events
        self.asked: list[float] = []  # the first pixel of every batch
        self.now_s: list[float] = []

    def infer(self, images: Images) -> Logits:
        self.events.append((self.name, len(images)))
        self.asked.append(float(images.flat[0]))
        self.now_s[0] += self.call_s
        return np.zeros((len(images), 10), np.float32)

    def logits(self, images: Images) -> Logits:
        return self.infer(images)

    def features(self, images: Images) -> Features | None:
        return None


def test_logits_that_rounding_alone_tells_apart_pass() -> None:
    comparison = compare(LOGITS, LOGITS * np.float32(1 + 2**-22))
    assert comparison.logits.passed
    assert comparison.differing == 0
    assert 0 < comparison.absolute_deviation < 1e-4


def test_one_logit_of_one_image_that_is_off_by_a_ten_thousandth_fails() -> None:
    wrong = LOGITS.copy()
    wrong[17, 3] += 1e-4 * np.abs(LOGITS).max()
    comparison = compare(LOGITS, wrong)
    assert not comparison.logits.passed
    assert comparison.logits.deviation == pytest.approx(1e-4, rel=1e-2)


def test_an_image_told_otherwise_is_counted_however_near_the_logits_are() -> None:
    own = np.array([[1.0, 1.0 + 1e-7, 0.0]], np.float32)
    comparison = compare(own, own[:, [1, 0, 2]])
    assert comparison.logits.passed
    assert comparison.differing == 1


def test_logits_that_are_no_numbers_are_an_error_that_names_who_gave_them() -> None:
    broken = LOGITS.copy()
    broken[5, 5] = np.nan
    with pytest.raises(NotNumbers, match="of the ONNX Runtime are not finite"):
        compare(LOGITS, broken)
    with pytest.raises(NotNumbers, match="of the framework are not finite"):
        compare(broken, LOGITS)


def timed() -> tuple[Answering, Answering, list[tuple[str, int]], tuple[ExportRound, ...]]:
    """A network of 1 ms a call and one of 2 ms."""
    events: list[tuple[str, int]] = []
    own, exported = Answering("own", 0.001, events), Answering("exported", 0.002, events)
    own.now_s = exported.now_s = [0.0]
    rounds = export_child.measure(
        own,
        exported,
        IMAGES,
        clock=lambda: own.now_s[0],
        sleep=lambda seconds: events.append(("pause", 0)),
    )
    return own, exported, events, rounds


def test_the_two_are_asked_in_turn_after_a_pause_each() -> None:
    _, _, events, _ = timed()
    turns = [event for event, _ in itertools.groupby(events)]
    names = [name for name, _ in turns]
    assert names == ["pause", "own", "pause", "exported"] * (2 * export_child.ROUNDS)
    sizes = [size for name, size in turns if name == "own"]
    assert sizes == [len(IMAGES)] * export_child.ROUNDS + [1] * export_child.ROUNDS


def test_every_counted_call_is_kept_and_no_warm_up() -> None:
    own, _, _, rounds = timed()
    samples = MAX_SAMPLES // export_child.ROUNDS  # before a round's share of a second is over
    assert len(rounds) == 2 * export_child.ROUNDS
    for turns in rounds:
        assert turns.own.samples_s == pytest.approx([0.001] * samples)
        assert turns.exported.samples_s[: samples // 2] == pytest.approx([0.002] * (samples // 2))
    assert len(own.asked) == 2 * export_child.ROUNDS * (samples + WARM_UP_CALLS)


def test_both_are_asked_with_one_image_after_the_other() -> None:
    own, exported, _, _ = timed()
    last = {tuple(network.asked[-3:]) for network in (own, exported)}
    assert all(np.diff(asked).tolist() == [784.0, 784.0] for asked in last)
