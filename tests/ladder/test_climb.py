"""A climb in this process, on a few drawn images: an honest rung, and every cheat of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

import datasets
from bench.ladder.climb import Answer, Request, SealBroken, climb
from datasets import Prepared
from tests.ladder import own_rungs


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return datasets.prepare("digits", source="glyphs", glyphs_images=1000, download=False)


def climbed(
    prepared: Prepared,
    folder: Path,
    patch: pytest.MonkeyPatch,
    source: str,
    *,
    enter: bool = False,
) -> Answer:
    package = own_rungs.write(folder, rung_90_newcomer=source)
    patch.syspath_prepend(folder)
    patch.setenv("DATA_FOLDER", str(prepared.folder))
    return climb(
        Request(
            module=f"{package}.rung_90_newcomer",
            device="cpu",
            seed=0,
            data_folder=str(prepared.folder),
            sealed=tuple(map(str, prepared.folder.iterdir())),
            enter=enter,
            flop=enter,
        )
    )


def test_an_honest_climb_is_timed_counted_and_judged(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST, enter=True)
    measured = answer.measured
    assert measured is not None
    assert answer.problems == ()
    images = len(datasets.open_cached(prepared.folder).train.labels)
    steps = images // 50
    work = measured.work
    assert (work.steps, work.steps_counted, work.batch_size) == (steps, steps, 50)
    assert (work.images_seen, work.images_distinct) == (steps * 50, steps * 50)
    assert work.parameters == 7850
    assert work.flop_an_image == 2 * 2 * 7840
    assert 0 < measured.train_s < measured.process_s
    assert measured.start_accuracy < 0.5 < measured.validation_accuracy
    assert measured.test_images == len(datasets.open_cached(prepared.folder).test.labels)
    assert measured.test_correct is not None
    assert measured.test_correct > measured.test_images / 2


def test_without_entering_the_test_set_stays_sealed(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST)
    assert answer.measured is not None
    assert answer.measured.test_correct is None


def test_a_rung_that_reads_the_test_set_is_caught(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SealBroken, match="was to be opened before the clocks had stopped"):
        climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST + own_rungs.SEES_THE_TEST)


def test_a_rung_that_swallows_the_error_is_caught_all_the_same(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "    datasets.open"
    swallowed = own_rungs.SEES_THE_TEST.replace(line, f"    with quiet:\n {line}")
    quiet = "import contextlib\nquiet = contextlib.suppress(Exception)\n"
    source = own_rungs.HONEST + quiet + swallowed
    answer = climbed(prepared, tmp_path, monkeypatch, source)
    assert any("was to be opened" in problem for problem in answer.problems)


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        (own_rungs.LEAVES_STEPS_OUT, "counted by the optimiser"),
        (own_rungs.SEES_LESS, "images seen in"),
        (own_rungs.LEARNS_IN_THE_WARM_UP, "the warm-up has left other weights"),
    ],
)
def test_a_rung_that_leaves_work_out_is_caught(
    cheat: str, words: str, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST + cheat)
    assert any(words in problem for problem in answer.problems), answer.problems
