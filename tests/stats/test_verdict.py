"""Whether two frameworks differ, and whether that may be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t

from bench.results.evidence import NONE, Arms, Audit, Evidence, Timer
from bench.results.record import Machine, Record
from bench.stats import runs as stats
from bench.stats import verdict
from bench.stats.runs import Replicates
from bench.stats.uncertainty import Interval, holm
from bench.stats.verdict import Judged, Paired
from tests.records import EXPERIMENT, MACHINE, make_record

SLOW = (1.00, 1.10, 0.90, 1.20, 1.05)  # seconds by seed
FAST = (0.50, 0.56, 0.44, 0.61, 0.53)  # half of them, nearly


def runs(framework: str, seconds: Sequence[float], first_seed: int = 0) -> list[Record]:
    return [
        make_record(framework=framework, seed=first_seed + index, train_s=(s,), accuracies=(0.98,))
        for index, s in enumerate(seconds)
    ]


def groups(*records: list[Record], evidence: Evidence = NONE) -> list[Replicates]:
    return stats.replicates([record for each in records for record in each], evidence)


def judged(*records: list[Record], evidence: Evidence = NONE) -> list[Judged]:
    return verdict.judge(groups(*records, evidence=evidence), stats.throughput_images_per_s)


def arms(a: Sequence[float], same: Sequence[float], delayed: Sequence[float] = ()) -> Arms:
    late = tuple(delayed) or tuple(a)
    return Arms(
        experiment=EXPERIMENT,
        a_s=tuple(a),
        same_s=tuple(same),
        delayed_s=late,
        injected_s=(0.05,) * len(late),
    )


def audited(a: Sequence[float], same: Sequence[float], machine: Machine = MACHINE) -> Evidence:
    timer = Timer(name="clock", resolution_s=1e-9, cost_s=1e-8)
    return Evidence(
        audit=Audit(made_at="2026-01-01", machine=machine, timer=timer, arms=arms(a, same))
    )


# Pairs


def test_a_seed_is_compared_with_the_same_seed() -> None:
    # the same factor in every pair, whatever the seed does to both
    first, second = groups(runs("a", [s / 2 for s in SLOW]), runs("b", SLOW))
    paired = verdict.compare(first, second, stats.throughput_images_per_s)
    assert paired is not None
    assert paired.ratio == pytest.approx(2.0)
    assert (paired.n, paired.seeds) == (5, (0, 1, 2, 3, 4))
    assert paired.interval is not None
    assert (paired.interval.low, paired.interval.high) == pytest.approx((2.0, 2.0))


def test_only_seeds_that_both_have_are_pairs() -> None:
    first, second = groups(runs("a", FAST), runs("b", SLOW, first_seed=3))
    paired = verdict.compare(first, second, stats.throughput_images_per_s)
    assert paired is not None
    assert paired.seeds == (3, 4)
    first, second = groups(runs("a", FAST), runs("b", SLOW, first_seed=9))
    assert verdict.compare(first, second, stats.throughput_images_per_s) is None


def test_where_a_run_lacks_the_statistic_the_rest_are_not_compared() -> None:
    missed = [*runs("a", FAST)[:-1], make_record(framework="a", seed=4, accuracies=(0.1, 0.1))]
    first, second = groups(missed, runs("b", SLOW))
    time = partial(stats.time_to_accuracy_s, target=0.97)
    assert verdict.compare(first, second, time) is None
    assert verdict.compare(first, second, stats.throughput_images_per_s) is not None


def test_a_difference_is_the_mean_over_the_pairs() -> None:
    better = [make_record(framework="a", seed=s, correct=c) for s, c in enumerate((970, 980, 990))]
    worse = [make_record(framework="b", seed=s, correct=c) for s, c in enumerate((960, 975, 975))]
    first, second = groups(better, worse)
    difference = verdict.difference(first, second, stats.test_accuracy)
    assert difference is not None
    assert difference.mean == pytest.approx(0.01)
    assert difference.interval is not None
    assert difference.interval.includes(0.01)


# Verdicts


def test_a_difference_that_every_pair_shows_is_stated() -> None:
    (judgement,) = judged(runs("a", FAST), runs("b", SLOW))
    assert judgement.outcome == "higher"
    assert judgement.swapped.outcome == "lower"
    assert judgement.swapped.paired.ratio == pytest.approx(1 / judgement.paired.ratio)


def test_of_one_pair_nothing_is_said_however_large_the_difference() -> None:
    (judgement,) = judged(runs("a", [0.01]), runs("b", [10.0]))
    assert (judgement.outcome, judgement.p, judgement.paired.interval) == ("undecided", None, None)


def test_an_interval_that_includes_one_names_no_winner() -> None:
    (judgement,) = judged(runs("a", SLOW), runs("b", [1.10, 1.00, 1.05, 0.90, 1.20]))
    assert judgement.paired.interval is not None
    assert judgement.paired.interval.includes(1)
    assert judgement.outcome == "undecided"


def test_a_difference_that_is_stated_alone_may_be_one_chance_among_several() -> None:
    nearly = [s * f for s, f in zip(SLOW, (0.97, 0.99, 0.98, 1.0, 0.97), strict=True)]
    (alone,) = judged(runs("a", nearly), runs("b", SLOW))
    assert alone.outcome == "higher"
    other = [s * f for s, f in zip(SLOW, (0.98, 1.01, 0.97, 0.99, 1.0), strict=True)]
    among, *others = judged(runs("a", nearly), runs("b", SLOW), runs("c", other))
    assert among.family == len(others) + 1 == 3
    assert among.paired == alone.paired
    assert among.p is not None
    assert among.p > 0.05
    assert among.outcome == "undecided"


def test_among_several_p_is_that_of_a_two_way_analysis_of_variance() -> None:
    seconds = np.array([FAST[:3], SLOW[:3], [0.7, 0.8, 0.66], [2.0, 2.1, 1.9]])
    judgements = judged(*(runs(f, each.tolist()) for f, each in zip("abcd", seconds, strict=True)))
    logs = np.log(seconds)
    left = logs - logs.mean(axis=0) - logs.mean(axis=1, keepdims=True) + logs.mean()
    freedom = 3 * 2
    error = np.sqrt((left**2).sum() / freedom * 2 / 3)
    means = [logs[i].mean() - logs[j].mean() for i, j in combinations(range(4), 2)]
    wanted = [2 * t.sf(abs(mean) / error, freedom) for mean in means]
    own = [judgement.paired.p or 0.0 for judgement in judgements]
    guarded = [max(p, alone) for p, alone in zip(holm(wanted), own, strict=True)]
    assert [judgement.p for judgement in judgements] == pytest.approx(guarded)


def test_where_one_lacks_a_seed_each_pair_has_its_own_noise() -> None:
    judgements = judged(runs("a", FAST[:4]), runs("b", SLOW[:4]), runs("c", SLOW[:3]))
    for judgement in judgements:
        alone = verdict.compare(judgement.first, judgement.second, stats.throughput_images_per_s)
        assert judgement.paired == alone


def test_three_seeds_of_six_tell_what_differs_by_half() -> None:
    random = np.random.default_rng(6)
    seconds = np.exp(random.normal(0, 0.05, (6, 3)))
    seconds[0] /= 2
    judgements = judged(*(runs(f, e.tolist()) for f, e in zip("abcdef", seconds, strict=True)))
    assert [judgement.outcome for judgement in judgements[:5]] == ["higher"] * 5
    assert {judgement.outcome for judgement in judgements[5:]} == {"undecided"}


def test_a_pair_much_noisier_than_the_rest_is_not_told_by_their_quiet() -> None:
    quiet = [runs(name, [1.0, 1.001, 0.999]) for name in "abcde"]
    (loud, *_) = judged(runs("x", [0.5, 0.9, 1.2]), *quiet)
    assert loud.paired.interval is not None
    assert loud.paired.interval.includes(1)
    assert loud.outcome == "undecided"


def test_a_pair_without_p_does_not_shift_those_of_the_others() -> None:
    judgements = judged(runs("a", FAST), runs("b", SLOW), runs("c", [0.2]))
    by_pair = {(o.first.experiment.framework, o.second.experiment.framework): o for o in judgements}
    assert by_pair["a", "c"].p is None
    assert by_pair["b", "c"].p is None
    assert by_pair["a", "b"].p == by_pair["a", "b"].paired.p
    assert by_pair["a", "b"].family == 1


def test_pairs_that_are_exactly_alike_in_their_ratio_keep_their_place() -> None:
    judgements = judged(runs("a", [0.5, 1.0]), runs("b", [1.0, 2.0]), runs("c", [1.1, 1.9]))
    assert len(judgements) == 3
    assert all(judgement.p is not None for judgement in judgements)


def test_one_pair_is_undecided_however_little_it_differs() -> None:
    noisy = audited((1.0, 1.0, 1.0), (1.02, 0.98, 1.01))
    (judgement,) = judged(runs("a", [1.0]), runs("b", [1.0]), evidence=noisy)
    assert judgement.outcome == "undecided"


def test_the_noise_floor_of_one_device_says_nothing_of_another() -> None:
    noisy = audited((1.0, 1.0, 1.0), (1.02, 0.98, 1.01))
    assert noisy.audit is not None
    assert noisy.audit.arms is not None
    elsewhere = replace(noisy.audit.arms.experiment, device="cuda")
    of_gpu = replace(noisy.audit, arms=replace(noisy.audit.arms, experiment=elsewhere))
    faster = [s * 0.98 for s in SLOW]
    (judgement,) = judged(runs("a", faster), runs("b", SLOW), evidence=replace(noisy, audit=of_gpu))
    assert (judgement.noise_floor, judgement.outcome) == (None, "higher")


def test_what_is_wholly_below_the_noise_floor_is_a_tie_even_if_every_pair_shows_it() -> None:
    faster = [s * 0.98 for s in SLOW]
    quiet = audited((1.0, 1.0, 1.0), (1.001, 0.999, 1.0))
    noisy = audited((1.0, 1.0, 1.0), (1.02, 0.98, 1.01))
    outcomes = [
        judged(runs("a", faster), runs("b", SLOW), evidence=evidence)[0].outcome
        for evidence in (NONE, quiet, noisy)
    ]
    assert outcomes == ["higher", "higher", "tie"]


@pytest.mark.parametrize(
    ("ratio", "low", "high", "p", "outcome"),
    [
        (1.00, 0.60, 1.50, 0.9, "undecided"),  # little apart on the mean, and not known well
        (1.00, 0.90, 1.20, 0.9, "tie"),
        (1.00, 0.80, 1.25, 0.9, "tie"),  # both ends on the floor
        (1.00, 0.799, 1.25, 0.9, "undecided"),  # one end just below it
        (1.00, 0.80, 1.251, 0.9, "undecided"),  # one just above
        (1.10, 1.05, 1.20, 0.01, "tie"),  # every pair shows it, and it is noise
        (1.20, 1.10, 1.30, 0.01, "undecided"),  # neither within the noise nor beyond it
        (1.25, 1.10, 1.40, 0.01, "undecided"),  # a difference as large as the floor is none
        (1.26, 1.10, 1.45, 0.01, "higher"),
        (0.79, 0.70, 0.90, 0.01, "lower"),
        (1.26, 1.10, 1.45, 0.05, "undecided"),
    ],
)
def test_a_tie_has_its_whole_interval_within_the_noise_floor(
    ratio: float, low: float, high: float, p: float, outcome: str
) -> None:
    paired = Paired(ratio=ratio, interval=Interval(low=low, high=high), p=p, seeds=(0, 1, 2, 3, 4))
    assert verdict.outcome(paired, p, 0.25) == outcome
    assert verdict.outcome(paired, p) != "tie"  # without an audit nothing is known to be equal


def test_a_tie_is_one_whichever_comes_first() -> None:
    paired = Paired(ratio=0.9, interval=Interval(low=0.8, high=0.95), p=0.01, seeds=(0, 1))
    assert paired.farthest == paired.swapped.farthest == 0.25
    assert verdict.outcome(paired, 0.01, 0.25) == "tie"
    assert verdict.outcome(paired.swapped, 0.01, 0.25) == "tie"


def test_an_audit_of_another_machine_has_no_say() -> None:
    noisy = audited((1.0, 1.0, 1.0), (1.2, 0.8, 1.1), machine=replace(MACHINE, cpu="Slowium"))
    (judgement,) = judged(runs("a", FAST), runs("b", SLOW), evidence=noisy)
    assert judgement.noise_floor is None
    assert judgement.outcome == "higher"


# Disturbed runs


def disturbed(records: list[Record], *, seed: int, share: float = 0.34) -> list[Record]:
    """The same runs, but that other programs took so much while one of them trained."""
    return [
        replace(r, measurement=r.measurement and replace(r.measurement, others_share=share))
        if r.seed == seed
        else r
        for r in records
    ]


def test_no_winner_is_named_over_a_disturbed_run_however_clear_the_difference() -> None:
    for pair in (
        (disturbed(runs("a", FAST), seed=3), runs("b", SLOW)),
        (runs("a", FAST), disturbed(runs("b", SLOW), seed=0)),
    ):
        (judgement,) = judged(*pair)
        assert judgement.p is not None
        assert judgement.p < 0.001
        assert (judgement.disturbed, judgement.outcome) == (True, "undecided")
        assert judgement.swapped.outcome == "undecided"


def test_nor_is_a_tie_found_over_one() -> None:
    noisy = audited((1.0, 1.0, 1.0), (1.02, 0.98, 1.01))
    pair = runs("a", [s * 0.999 for s in SLOW]), disturbed(runs("b", SLOW), seed=0)
    (judgement,) = judged(*pair, evidence=noisy)
    assert judgement.outcome == "undecided"


def test_what_others_take_of_a_quiet_machine_changes_nothing() -> None:
    (judgement,) = judged(disturbed(runs("a", FAST), seed=3, share=0.1), runs("b", SLOW))
    assert (judgement.disturbed, judgement.outcome) == (False, "higher")


def test_a_disturbed_pair_does_not_shift_the_p_of_the_others() -> None:
    records = runs("a", FAST), runs("b", SLOW), runs("c", SLOW[::-1])
    quiet = judged(*records)
    loud = judged(*records[:2], disturbed(records[2], seed=1))
    assert [each.p for each in loud] == [each.p for each in quiet]
    assert [each.disturbed for each in loud] == [False, True, True]


def test_what_is_not_read_off_the_clock_may_be_compared_all_the_same() -> None:
    first, second = groups(disturbed(runs("a", FAST), seed=3), runs("b", SLOW))
    statistic = stats.throughput_images_per_s  # any number will do
    (judgement,) = verdict.judge_pairs([(first, second)], statistic, of_time=False)
    assert judgement is not None
    assert (judgement.disturbed, judgement.outcome) == (False, "higher")


# The audit


def test_the_noise_floor_is_the_end_of_the_interval_farthest_from_one() -> None:
    assert verdict.noise_floor(arms((1.0, 1.0), (1.0, 1.0))) == 0.0
    same = verdict.compare_arms((0.9, 0.95, 1.0), (1.0, 1.0, 1.0))
    assert same.interval is not None
    floor = verdict.noise_floor(arms((1.0, 1.0, 1.0), (0.9, 0.95, 1.0)))
    assert floor == pytest.approx(1 / same.interval.low - 1)
    swapped = verdict.noise_floor(arms((0.9, 0.95, 1.0), (1.0, 1.0, 1.0)))
    assert swapped == pytest.approx(floor)


def test_one_round_has_no_noise_floor() -> None:
    assert verdict.noise_floor(arms((1.0,), (1.1,))) is None
    assert verdict.noise_floor(arms((), ())) is None


def test_an_injected_delay_is_found() -> None:
    delay = verdict.delay_found(
        arms((1.00, 1.02, 0.99), (1.0, 1.0, 1.0), delayed=(1.052, 1.068, 1.041))
    )
    assert delay.found
    assert delay.found_s == pytest.approx(0.052, abs=1e-4)


@pytest.mark.parametrize(
    "delayed",
    [(1.0, 1.021, 0.99), (1.2, 1.22, 1.19), (1.5, 0.9, 1.0)],
    ids=["not there", "too large", "lost in the noise"],
)
def test_a_delay_that_is_not_what_was_injected_is_not_found(delayed: tuple[float, ...]) -> None:
    assert not verdict.delay_found(arms((1.00, 1.02, 0.99), (1.0,) * 3, delayed)).found


def test_a_delay_seen_once_has_no_interval_and_is_not_found() -> None:
    assert not verdict.delay_found(arms((1.0,), (1.0,), delayed=(1.05,))).found


@pytest.mark.parametrize("shape", ["normal", "laplace"])
def test_two_arms_that_are_the_same_have_a_winner_in_five_of_a_hundred_at_most(shape: str) -> None:
    draw = getattr(np.random.default_rng(20), shape)
    named = [
        verdict.names_winner(arms(np.exp(a).tolist(), np.exp(same).tolist()))
        for a, same in zip(*draw(0, 0.02, (2, 3000, 5)), strict=True)
    ]
    assert 0.01 < np.mean(named) <= 0.05


@pytest.mark.parametrize(("seeds", "loudest", "most"), [(3, 1, 0.05), (5, 1, 0.05), (3, 4, 0.07)])
def test_of_six_that_are_the_same_a_winner_is_seldom_named(
    seeds: int, loudest: int, most: float
) -> None:
    random, repetitions = np.random.default_rng(3), 400
    named = 0
    for _ in range(repetitions):
        logs = random.normal(0, 0.02, (6, seeds))
        logs[0] *= loudest  # one that is noisier than the others: a little more
        pairs = [verdict.compare_arms(a, b) for a, b in combinations(np.exp(logs).tolist(), 2)]
        p_values = holm(verdict._pooled(pairs, 6))
        guarded = [max(p, pair.p or 0.0) for p, pair in zip(p_values, pairs, strict=True)]
        outcomes = map(verdict.outcome, pairs, guarded)
        named += any(outcome != "undecided" for outcome in outcomes)
    assert named / repetitions <= most + 2 * (0.05 * 0.95 / repetitions) ** 0.5
