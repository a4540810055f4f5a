"""What differences a folder's audit lets its runs show, as a table and as a plot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.report.plots.power import POWER, SEEDS
from bench.report.plots.style import pages
from bench.report.tables import power
from bench.report.tables.table import to_frame, to_markdown
from bench.results.evidence import Arms, Evidence
from bench.stats import runs, verdict
from bench.stats.power import smallest_difference
from bench.stats.runs import Replicates
from tests.records import ARMS, EVIDENCE, MACHINE, make_record


def audited(arms: Arms | None) -> Evidence:
    assert EVIDENCE.audit is not None
    return replace(EVIDENCE, audit=replace(EVIDENCE.audit, arms=arms))


def groups(evidence: Evidence = EVIDENCE) -> list[Replicates]:
    return runs.replicates([make_record(), make_record(framework="keras-jax")], evidence)


def test_the_table_has_three_numbers_of_seeds_and_two_families() -> None:
    text = to_markdown(power.build(groups()))
    assert "| seeds | one pair (%) | 15 pairs (%) |" in text
    assert [line[:5] for line in text.splitlines()[-3:]] == ["| 3 |", "| 5 |", "| 10 "]
    assert (
        "By 5 rounds of pytorch eager on CPU, about 1.0 s a run: two equal runs differ by 1.0 % "
        "(one standard deviation), the noise floor is " in text
    )


def test_its_numbers_are_those_of_the_audits_noise_and_floor() -> None:
    frame = to_frame(power.build(groups()))
    noise = float(np.std(np.log(np.divide(ARMS.same_s, ARMS.a_s)), ddof=1))
    floor = verdict.noise_floor(ARMS)
    assert floor is not None
    assert list(frame["seeds"]) == [3, 5, 10]
    assert list(frame["noise_log_std"]) == pytest.approx([noise] * 3)
    assert list(frame["noise_floor_fraction"]) == [floor] * 3
    for frameworks, words in ((2, "one_pair"), (6, "15_pairs")):
        wanted = [smallest_difference(noise, floor, seeds, frameworks) for seeds in (3, 5, 10)]
        found = list(frame[f"smallest_difference_{words}_fraction"])
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    "arms",
    [
        None,
        replace(ARMS, a_s=(1.0,), same_s=(1.0,)),
        replace(ARMS, experiment=replace(ARMS.experiment, device="cuda")),
    ],
    ids=["no arms", "one round", "another device"],
)
def test_without_noise_of_this_device_there_is_neither_table_nor_plot(arms: Arms | None) -> None:
    assert power.build(groups(audited(arms))).sections == ()
    assert list(pages(POWER, groups(audited(arms)))) == []


def test_an_audit_of_another_machine_says_nothing_of_this_one() -> None:
    elsewhere = make_record(machine=replace(MACHINE, cpu="Slowium"))
    assert power.build(runs.replicates([elsewhere], EVIDENCE)).sections == ()


def test_the_plot_falls_with_the_seeds_towards_the_noise_floor() -> None:
    (draw,) = pages(POWER, groups())
    page = draw()
    assert page.stem == "power_cpu"
    assert page.conditions == "Testium 9000, 2 cores"
    (axes,) = page.figure.axes
    line, floor = axes.get_lines()
    assert [each.get_label() for each in (line, floor)] == ["15 pairs", "noise floor"]
    assert list(line.get_xdata()) == list(SEEDS)  # type: ignore[arg-type]
    assert np.all(np.diff(line.get_ydata()) < 0)
    assert np.min(line.get_ydata()) > np.max(floor.get_ydata())
    assert axes.get_ylabel().endswith("(%, log scale)")
    assert "5 rounds of pytorch eager" in " ".join(t.get_text() for t in page.figure.texts)


def test_arms_that_never_differed_are_no_plot_on_a_logarithmic_axis() -> None:
    equal = audited(replace(ARMS, same_s=ARMS.a_s))
    assert set(to_frame(power.build(groups(equal)))["smallest_difference_one_pair_fraction"]) == {0}
    assert list(pages(POWER, groups(equal))) == []
