"""The titles of plots: what the verdicts allow, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.report.plots import PLOTS, bars, curves
from bench.report.plots.break_even import BREAK_EVEN
from bench.report.plots.style import Plot, pages
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, make_record
from tests.report.test_plots import suite

SLOW = (1.00, 1.05, 0.95, 1.10, 1.02)


def title(plot: Plot, records: Sequence[Record]) -> str:
    (draw,) = pages(plot, runs.replicates(records, EVIDENCE))
    return draw().finding


def trained(framework: str, seconds: Sequence[float], **fields: object) -> list[Record]:
    return [
        make_record(seed=seed, framework=framework, train_s=(s / 2, s / 2), **fields)  # type: ignore[arg-type]
        for seed, s in enumerate(seconds)
    ]


def test_a_winner_is_named_with_its_ratio_to_the_next() -> None:
    records = trained("pytorch", [s / 2 for s in SLOW]) + trained("keras-jax", SLOW)
    assert title(bars.THROUGHPUT, records) == (
        "pytorch eager trains the MLP 2.0 times as fast as the next"
    )


def test_one_seed_names_no_winner() -> None:
    records = trained("pytorch", [0.5]) + trained("keras-jax", [1.0])
    assert title(bars.THROUGHPUT, records) == "The MLP: undecided with one seed"


def test_what_overlaps_is_undecided_and_what_is_within_the_noise_a_tie() -> None:
    records = trained("pytorch", SLOW) + trained("keras-jax", SLOW[::-1])
    assert title(bars.THROUGHPUT, records) == (
        "The MLP: undecided between keras-jax eager and pytorch eager"
    )
    equal = trained("pytorch", SLOW) + trained("keras-jax", SLOW)
    assert title(bars.THROUGHPUT, equal) == "The MLP: tie of keras-jax eager and pytorch eager"


def test_a_disturbed_run_names_no_winner() -> None:
    fast = trained("pytorch", [s / 2 for s in SLOW], others_share=0.5)
    assert "undecided" in title(bars.THROUGHPUT, fast + trained("keras-jax", SLOW))


def test_panels_with_one_winner_are_told_together_and_others_by_their_task() -> None:
    fast = [s / 2 for s in SLOW]
    records = [
        *trained("pytorch", fast),
        *trained("keras-jax", SLOW),
        *trained("pytorch", SLOW, architecture="cnn"),
        *trained("keras-jax", fast, architecture="cnn"),
        *trained("pytorch", SLOW, architecture="cnn", task="letters", source="az-sample"),
        *trained("keras-jax", SLOW, architecture="cnn", task="letters", source="az-sample"),
    ]
    said = title(bars.THROUGHPUT, records)
    assert (
        "keras-jax eager trains the CNN on digits 2.0 times as fast as the next"
        in said.lower().replace("cnn", "CNN")
    )
    assert "the CNN on letters: tie" in said


def test_what_is_too_long_for_a_title_still_names_who_may_be_first() -> None:
    fast, slow = [s / 2 for s in SLOW], [s * 2 for s in SLOW]
    records = [
        record
        for network, task, order in (
            ("cnn", "digits", (SLOW, SLOW[::-1], slow)),
            ("mlp", "digits", (slow, SLOW, SLOW[::-1])),
            ("cnn", "letters", (fast, SLOW, SLOW)),
        )
        for framework, seconds in zip(
            ("pytorch", "keras-tensorflow", "keras-jax"), order, strict=True
        )
        for record in trained(framework, seconds, architecture=network, task=task)
    ]
    said = title(bars.THROUGHPUT, records)
    assert said.startswith("pytorch eager wins the CNN on letters by 2.0 times; ")
    assert "pytorch eager wins the CNN on digits" in said
    assert "keras-tensorflow eager" in said
    assert "undecided" not in said


def test_of_one_framework_the_time_is_the_median_that_the_plot_shows() -> None:
    records = trained("pytorch", (1.0, 1.1, 5.0), targets=(0.97,))
    assert title(bars.TIME_TO_ACCURACY, records) == (
        "pytorch eager reaches 97 % with the MLP after 1.10 s"
    )


def test_the_first_at_a_target_is_named_only_where_every_seed_gets_there() -> None:
    fast = trained("pytorch", [s / 2 for s in SLOW], targets=(0.97,))
    slow = trained("keras-jax", SLOW, targets=(0.97,))
    assert title(bars.TIME_TO_ACCURACY, fast + slow) == (
        "pytorch eager reaches 97 % first with the MLP, in 0.50 of the next's time"
    )
    missed = make_record(seed=9, targets=(0.97,), accuracies=(0.9, 0.91))
    assert title(bars.TIME_TO_ACCURACY, [*fast, *slow, missed]) == (
        "Not every seed reaches 97 % with the MLP"
    )


def test_the_more_accurate_network_is_named_where_the_seeds_show_it() -> None:
    records = [
        make_record(seed=seed, architecture=name, correct=correct + seed)
        for seed in range(5)
        for name, correct in (("mlp", 970), ("cnn", 990))
    ]
    assert title(bars.SWAP, records) == (
        "The CNN has the highest test accuracy on digits, by 2.0 points"
    )
    one_seed = [record for record in records if record.seed == 0]
    assert title(bars.SWAP, one_seed) == "Which network is more accurate is undecided"


def test_a_rising_loss_is_said_with_its_epoch() -> None:
    assert title(curves.LOSS, [make_record()]) == (
        "The validation loss still falls at the end with the MLP"
    )
    assert title(curves.LOSS, [make_record(accuracies=(0.98, 0.95))]) == (
        "The validation loss is lowest after 1 of 2 epochs with the MLP"
    )


def test_a_break_even_is_said_with_its_steps() -> None:
    one = [record for record in suite() if record.experiment.id.startswith("digits-mnist_mlp")]
    draws = pages(BREAK_EVEN, runs.replicates(one, EVIDENCE))
    assert draws[0]().finding == "keras-jax eager passes pytorch eager with the MLP after 48 steps"
    draws = pages(BREAK_EVEN, runs.replicates(suite(), EVIDENCE))
    assert draws[0]().finding == "A longer start-up has paid after 48 steps"


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_every_page_has_a_title_of_two_lines_at_most(plot: Plot) -> None:
    for draw in pages(plot, runs.replicates(suite(), EVIDENCE)):
        page = draw()
        (heading, *_) = page.figure.texts
        assert heading.get_text().replace("\n", " ") == page.finding
        assert heading.get_text().count("\n") < 2
