"""The closing sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.report import summary
from bench.results.evidence import Arms
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, EXPERIMENT, make_record


def summary_of(records: Sequence[Record]) -> str:
    return "\n".join(summary.paragraphs(runs.replicates(records)))


def seeds(framework: str, *train_s: float, accuracy: float = 0.98) -> list[Record]:
    """A run of one segment for each of ``train_s``."""
    return [
        make_record(
            framework=framework, seed=seed, train_s=(s,), accuracies=(accuracy,), correct=900 + seed
        )
        for seed, s in enumerate(train_s)
    ]


def several(*frameworks: tuple[str, tuple[float, ...]]) -> list[Record]:
    return [record for name, each in frameworks for record in seeds(name, *each)]


SLOW = (1.00, 1.10, 0.90, 1.20, 1.05)
FAST = (0.50, 0.56, 0.44, 0.61, 0.53)


def test_a_winner_is_named_with_what_it_rests_on() -> None:
    text = summary_of(
        several(("pytorch", FAST), ("keras-jax", SLOW), ("keras-torch", tuple(4 * s for s in SLOW)))
    )
    assert "MLP on digits (mnist), CPU, batch size 128, 2 epochs:" in text
    assert (
        "pytorch eager trained fastest, at 1,910 images/s: 1.99 times as fast as the next, "
        "keras-jax eager (95 % interval 1.96 to 2.04, 5 paired seeds, p < 0.001, Holm-corrected "
        "over 3 pairs)."
    ) in text
    assert (
        "7.97 times as fast as keras-torch eager, which has the lowest throughput (95 % interval"
        in text
    )
    assert (
        "pytorch eager reached 97 % validation accuracy first, after 0.530 s: in 0.502 of the time "
        "of the next, keras-jax eager (95 % interval"
    ) in text
    assert "No run reached 99 % validation accuracy." in text
    assert (
        "pytorch eager reached a test accuracy of 90.20 % (95 % interval 88.20 to 91.89 % for "
        "1,000 test images)."
    ) in text


def test_with_one_seed_no_winner_is_named_and_more_seeds_are_advised() -> None:
    text = summary_of(several(("pytorch", (1.0,)), ("keras-jax", (2.0,)), ("keras-torch", (4.0,))))
    assert (
        "With one seed it cannot be said which trained fastest: pytorch eager 1,000 images/s, "
        "keras-jax eager 500 images/s, keras-torch eager 250 images/s."
    ) in text
    assert "With one seed it cannot be said which reached 97 % validation accuracy first" in text
    assert "more seeds (--seeds 5) would tell" in text
    assert text.count("interval") == text.count("for 1,000 test images") == 1


def test_one_framework_alone_is_said_without_a_comparison() -> None:
    text = summary_of(seeds("pytorch", 1.0, 1.1))
    assert "pytorch eager trained at 953 images/s." in text
    assert "pytorch eager reached 97 % validation accuracy after 1.00 s." in text


def test_it_says_between_what_the_accuracies_lie() -> None:
    records = [make_record(correct=971), make_record(framework="keras-jax", correct=989)]
    assert (
        "Test accuracies lie between 97.10 % (pytorch eager) and 98.90 % (keras-jax eager)."
    ) in summary_of(records)


def test_no_winner_is_named_where_the_interval_holds_one() -> None:
    text = summary_of(several(("pytorch", SLOW), ("keras-jax", (1.10, 1.00, 1.05, 0.90, 1.20))))
    assert "Which trained fastest is undecided between keras-jax eager" in text
    assert "trained fastest, at" not in text
    assert "Which reached 97 % validation accuracy first is undecided between" in text


def test_what_is_wholly_within_the_noise_floor_is_called_a_tie() -> None:
    arms = Arms(
        experiment=EXPERIMENT,
        a_s=(1.0, 1.0, 1.0),
        same_s=(1.02, 0.98, 1.01),
        delayed_s=(),
        injected_s=(),
    )
    assert EVIDENCE.audit is not None
    evidence = replace(EVIDENCE, audit=replace(EVIDENCE.audit, arms=arms))
    records = several(("pytorch", tuple(0.98 * s for s in SLOW)), ("keras-jax", SLOW))
    text = "\n".join(summary.paragraphs(runs.replicates(records, evidence)))
    assert (
        "Which trained fastest cannot be said: pytorch eager (976 images/s) and keras-jax eager "
        "(957 images/s) tie. They differ by 2.0 %, and the whole 95 % interval lies within the "
        "noise floor of 5.6 %."
    ) in text


def test_rivals_beyond_the_nearest_are_named_too() -> None:
    shuffled = (1.10, 1.00, 1.05, 0.90, 1.20)
    text = summary_of(
        several(("pytorch", SLOW), ("keras-jax", shuffled), ("keras-torch", SLOW[::-1]))
    )
    assert text.count("told apart from") == 2  # of throughput, and of time to the target


def test_frameworks_without_a_seed_in_common_are_not_compared() -> None:
    other = [replace(record, seed=record.seed + 9) for record in seeds("keras-jax", *SLOW)]
    text = summary_of([*seeds("pytorch", *FAST), *other])
    assert "With no seed in common it cannot be said which trained fastest: pytorch eager" in text


def test_a_framework_with_a_miss_is_not_first_and_the_miss_is_counted() -> None:
    hasty = [*seeds("pytorch", 0.1), *seeds("pytorch", 0.1, 0.1, accuracy=0.5)[1:]]
    text = summary_of([*hasty, *seeds("keras-jax", 1.0, 1.1)])
    assert (
        "keras-jax eager reached 97 % validation accuracy after 1.00 s; 1 of 4 runs never did "
        "(not ranked: pytorch eager (1 of 2) reached it)."
    ) in text


def test_models_are_told_apart_on_the_test_images_or_said_not_to_be() -> None:
    same = [make_record(wrong=range(20)), make_record(framework="keras-jax", wrong=range(20))]
    other = [make_record(wrong=range(20)), make_record(framework="keras-jax", wrong=range(60))]
    question = "McNemar's test on the test images tells apart {} of the 1 pair of models"
    assert question.format("none") in summary_of(same)
    assert question.format("1") in summary_of(other)
    assert "McNemar" not in summary_of([make_record(), make_record(framework="keras-jax")])


def test_only_misses_beside_hits_name_no_first() -> None:
    records = [*seeds("pytorch", 0.1), *seeds("pytorch", 0.1, 0.1, accuracy=0.5)[1:]]
    assert (
        "No framework reached 97 % validation accuracy with every seed; 1 of 2 runs"
        in summary_of(records)
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
    ) in summary_of(records)


def test_a_failure_on_one_of_several_gpus_names_it() -> None:
    failed = make_record(device="cuda:1", status="out of memory", reason="CUDA out of memory")
    assert "pytorch eager on CUDA 1, out of memory: CUDA" in summary_of([make_record(), failed])


def test_what_is_not_installed_is_named_with_the_command_that_adds_it() -> None:
    records = [
        make_record(),
        make_record(framework="keras-jax", status="not installed"),
        make_record(framework="keras-torch", status="not installed"),
    ]
    words = "can be added; in the clone's folder: make install FRAMEWORKS=keras-jax,keras-torch"
    assert summary_of(records).endswith(words)
    on_cuda = make_record(framework="keras-torch", device="cuda", status="not installed")
    assert summary_of([*records, on_cuda]).endswith(f"{words} CUDA=1")


def test_a_suite_in_which_everything_failed_has_a_summary() -> None:
    assert summary_of([make_record(status="crashed", reason="signal 9")]) == (
        "1 of 1 runs did not end well: pytorch eager, crashed: signal 9."
    )


def test_drawn_images_are_named_before_anything_else() -> None:
    text = summary_of([make_record(source="glyphs")])
    assert text.startswith("Digits: drawn by the project (glyphs), not real handwriting.\n")


def test_the_speed_up_of_hardware_is_said_framework_by_framework_with_its_interval() -> None:
    records = [
        *(make_record(seed=seed, train_s=(1.0 + seed / 10,)) for seed in range(3)),
        *(make_record(device="cuda", seed=seed, train_s=(0.5,)) for seed in range(3)),
        make_record(framework="keras-jax"),
        make_record(framework="keras-jax", device="cuda", train_s=(0.1, 0.1)),
    ]
    text = summary_of(records)
    assert (
        "CUDA beside the CPU: keras-jax eager had 10.0 times the throughput, undecided: one pair "
        "(1 paired seed); pytorch eager trained 2.19 times as fast as on the CPU (95 % interval "
        "1.75 to 2.75, 3 paired seeds, p = 0.004)."
    ) in text


def test_mere_steps_are_compared_at_each_frameworks_best_batch_size() -> None:
    records = [
        make_record(goal="throughput", batch_size=size, framework=name, seed=seed, train_s=(s,))
        for name, size, s in (
            ("pytorch", 20, 1.0),
            ("pytorch", 1024, 0.1),
            ("keras-jax", 20, 0.4),
            ("keras-jax", 1024, 0.5),
        )
        for seed, s in enumerate((s, 1.1 * s, 0.98 * s))
    ]
    text = summary_of(records)
    assert "training steps only, each at its best batch size: pytorch eager at batch 1,024" in text
    assert "4.00 times as fast as the next, keras-jax eager at batch 20 (95 % interval" in text
    assert text.count("training steps only") == 1
