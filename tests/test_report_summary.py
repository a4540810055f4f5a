"""The closing sentences."""

from __future__ import annotations

from collections.abc import Sequence

from bench import stats
from bench.record import Record
from bench.report import summary
from tests.records import make_record


def said(records: Sequence[Record]) -> str:
    return "\n".join(summary.paragraphs(stats.replicates(records)))


def seeds(framework: str, *train_s: float, accuracy: float = 0.98) -> list[Record]:
    """A run of one segment for each of ``train_s``."""
    return [
        make_record(
            framework=framework, seed=seed, train_s=(s,), accuracies=(accuracy,), correct=900 + seed
        )
        for seed, s in enumerate(train_s)
    ]


def test_it_says_what_was_fastest_by_how_much_and_at_what_accuracy() -> None:
    records = [*seeds("pytorch", 1.0), *seeds("keras-jax", 2.0), *seeds("keras-torch", 4.0)]
    text = said(records)
    assert "MLP on digits (mnist), CPU, batch size 128, 2 epochs:" in text
    assert (
        "pytorch eager trained fastest, at 1,000 images/s, 2.00 times as fast as the next, "
        "keras-jax eager (500 images/s)."
    ) in text
    assert "4.00 times as fast as the slowest, keras-torch eager (250 images/s)" in text
    assert "First to 97 % validation accuracy: pytorch eager, after 1.00 s." in text
    assert "No run reached 99 % validation accuracy." in text
    assert "pytorch eager reached a test accuracy of 90.00 %." in text


def test_it_says_between_what_the_accuracies_lie() -> None:
    records = [make_record(correct=971), make_record(framework="keras-jax", correct=989)]
    assert (
        "Test accuracies lie between 97.10 % (pytorch eager) and 98.90 % (keras-jax eager)."
    ) in said(records)


def test_no_winner_is_named_where_the_runs_overlap() -> None:
    text = said([*seeds("pytorch", 1.0, 1.3), *seeds("keras-jax", 1.2, 1.4)])
    assert "too close to call: their runs overlap" in text
    assert "fastest, at" not in text
    assert "pytorch eager and keras-jax eager (too close to call), after" in text


def test_a_winner_is_named_where_the_runs_lie_apart() -> None:
    text = said([*seeds("pytorch", 1.0, 1.1), *seeds("keras-jax", 1.2, 1.4)])
    assert "pytorch eager trained fastest" in text
    assert "too close" not in text


def test_one_run_each_is_said_to_leave_the_noise_unknown() -> None:
    assert "how much of a difference is noise is not known" in said(seeds("pytorch", 1.0))
    assert "noise" not in said(seeds("pytorch", 1.0, 1.1))


def test_a_framework_with_a_miss_is_not_first_and_the_miss_is_counted() -> None:
    hasty = [*seeds("pytorch", 0.1), *seeds("pytorch", 0.1, 0.1, accuracy=0.5)[1:]]
    text = said([*hasty, *seeds("keras-jax", 1.0, 1.1)])
    assert (
        "First to 97 % validation accuracy: keras-jax eager, after 1.05 s; 1 of 4 runs never did."
    ) in text


def test_only_misses_beside_hits_name_no_first() -> None:
    records = [*seeds("pytorch", 0.1), *seeds("pytorch", 0.1, 0.1, accuracy=0.5)[1:]]
    assert "No framework reached 97 % validation accuracy with every seed; 1 of 2 runs" in said(
        records
    )


def test_failures_are_counted_with_their_reasons() -> None:
    records = [
        make_record(),
        make_record(seed=1, status="timed out", reason="no end after 60 s"),
        make_record(seed=2, status="timed out", reason="no end after 60 s"),
        make_record(framework="keras-jax", status="not installed", reason="no jax here"),
    ]
    assert (
        "3 of 4 runs did not end well: keras-jax eager, not installed: no jax here; "
        "pytorch eager, timed out: no end after 60 s (2 runs)."
    ) in said(records)


def test_a_suite_in_which_everything_failed_has_a_summary() -> None:
    assert said([make_record(status="crashed", reason="signal 9")]) == (
        "1 of 1 runs did not end well: pytorch eager, crashed: signal 9."
    )


def test_drawn_images_are_named_before_anything_else() -> None:
    text = said([make_record(source="glyphs")])
    assert text.startswith("Digits: drawn by the project (glyphs), not real handwriting.\n")


def test_the_speed_up_of_hardware_is_a_range_over_the_frameworks() -> None:
    records = [
        *(make_record(framework=name) for name in ("pytorch", "keras-jax")),
        make_record(device="cuda", train_s=(0.5, 0.5)),
        make_record(framework="keras-jax", device="cuda", train_s=(0.1, 0.1)),
    ]
    assert "CUDA trained 2.00 to 10.0 times as fast as the CPU." in said(records)


def test_mere_steps_give_one_sentence_over_all_batch_sizes() -> None:
    records = [
        make_record(goal="throughput", batch_size=20),
        make_record(goal="throughput", batch_size=1024, train_s=(0.1, 0.1)),
    ]
    text = said(records)
    assert "the highest throughput was that of pytorch eager at batch size 1,024, 10,000" in text
    assert text.count("training steps only") == 1
