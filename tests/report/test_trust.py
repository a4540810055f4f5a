"""Whether numbers can be trusted: equal work, settings that differ unasked, the audit in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bench.experiment import Experiment
from bench.machine import settings
from bench.report import trust
from bench.report.comparison import FRAMEWORK, comparisons
from bench.report.plots import costs
from bench.report.plots.style import pages
from bench.report.tables import certificates, columns, frameworks
from bench.report.tables.table import Row, to_frame, to_markdown
from bench.report.trust import NO_AUDIT, audit_sentences
from bench.results.evidence import (
    Arms,
    Audit,
    Certificate,
    Check,
    Evidence,
    Peak,
    SuiteFacts,
    Timer,
    Unsynchronised,
)
from bench.results.record import Pulse, Record
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import EXPERIMENT, MACHINE, make_record

# Equal work


VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}  # of make_record


def a_check(quantity: str, deviation: float) -> Check:
    return Check(quantity=quantity, deviation=deviation, tolerance=1e-5, reason="float32")


GOOD = (a_check("logits at step 0", 1e-7), a_check("gradients at step 1", 2e-7))
BAD = (a_check("logits at step 0", 1e-4), a_check("gradients at step 1", 0.012))


def a_certificate(experiment: Experiment = EXPERIMENT, **changes: Any) -> Certificate:
    certificate = Certificate(
        framework=experiment.framework,
        execution=experiment.execution,
        architecture=experiment.architecture,
        device=experiment.device,
        precision=experiment.precision,
        threads=experiment.threads,
        versions=VERSIONS,
        data="digits (mnist)",
        checks=GOOD,
        made_at="2026-01-01T00:00:00+00:00",
    )
    return replace(certificate, **changes)


def groups(*records: Record, certificates: tuple[Certificate, ...] = ()) -> list[Replicates]:
    return runs.replicates(records, Evidence(certificates=certificates))


def test_a_row_whose_certificate_passes_is_matched() -> None:
    (group,) = groups(make_record(), certificates=(a_certificate(),))
    assert trust.work(group) == "matched"
    assert columns.WORK.cell(Row(groups=(group,))).raw == ("matched",)


def test_a_row_without_a_certificate_is_not_matched() -> None:
    (group,) = groups(make_record())
    assert trust.work(group) == "not matched: certificate missing"


def test_a_certificate_of_other_versions_is_no_certificate() -> None:
    outdated = a_certificate(versions={"python": "3.11.7", "torch": "2.12.0"})
    (group,) = groups(make_record(), certificates=(outdated,))
    assert trust.work(group) == "not matched: certificate missing"


def test_a_row_whose_certificate_fails_says_which_quantity_is_off_the_most() -> None:
    (group,) = groups(make_record(), certificates=(a_certificate(checks=BAD),))
    assert trust.work(group) == (
        "not matched: gradients at step 1 deviate by 1.2e-02, tolerance 1.0e-05, and 1 more check"
    )


def test_a_framework_that_could_not_be_checked_is_not_matched() -> None:
    unchecked = a_certificate(checks=(), failure="not done after 300 s")
    (group,) = groups(make_record(), certificates=(unchecked,))
    assert trust.work(group) == "not matched: could not be checked: not done after 300 s"


def test_what_is_left_to_the_framework_is_not_matched_whatever_its_certificate() -> None:
    (group,) = groups(make_record(native=("kernel-init",)), certificates=(a_certificate(),))
    assert trust.work(group) == "not matched: left to the framework: kernel-init"


def test_a_row_of_two_groups_is_matched_only_if_both_are() -> None:
    on_cpu, on_gpu = groups(
        make_record(), make_record(device="cuda"), certificates=(a_certificate(),)
    )
    cell = columns.WORK.cell(Row(groups=(on_cpu, on_gpu)))
    assert cell.shown == "not matched: certificate missing"


def test_a_row_of_which_nothing_ran_says_nothing_of_its_work() -> None:
    (group,) = groups(make_record(status="failed", reason="no memory"))
    assert columns.WORK.cell(Row(groups=(group,))).shown == ""


def test_a_plot_names_what_it_shows_that_is_not_matched() -> None:
    shown = groups(
        make_record(),
        make_record(execution="compiled"),
        make_record(native=("kernel-init",)),
        certificates=(a_certificate(), a_certificate(execution="compiled", checks=BAD)),
    )
    assert trust.unmatched_note(shown) == (
        "Not matched: pytorch compiled (certificate fails); "
        "pytorch eager (left to the framework: kernel-init)"
    )


def test_a_plot_of_matched_work_has_no_note() -> None:
    assert trust.unmatched_note(groups(make_record(), certificates=(a_certificate(),))) == ""


def test_the_certificates_table_has_a_row_a_subject_and_shows_what_is_missing() -> None:
    shown = groups(
        make_record(),
        make_record(batch_size=512),  # the same subject
        make_record(execution="compiled"),
        make_record(framework="numpy"),
        certificates=(a_certificate(checks=BAD), a_certificate(execution="compiled")),
    )
    table = certificates.build(shown)
    text = to_markdown(table)
    assert text.count("| pytorch eager |") == 1
    assert "1.2e-02 / 1.0e-05" in text
    assert "Certified on digits (mnist)." in text
    frame = to_frame(table)
    assert list(frame["certificate"]) == [
        "missing",
        "pass",
        "fail: gradients at step 1 deviate by 1.2e-02, tolerance 1.0e-05, and 1 more check",
    ]
    assert frame["gradients_at_step_1_deviation"].tolist()[1:] == [2e-7, 0.012]


def test_the_page_says_whether_its_numbers_can_be_trusted() -> None:
    records = [make_record(), make_record(execution="compiled")]
    evidence = Evidence(
        certificates=(a_certificate(),), suite=SuiteFacts(seeds_stopped="Stopped after 7 seeds.")
    )
    heading, listed = trust.paragraphs(runs.replicates(records, evidence), records)
    assert heading == "## Can these numbers be trusted?"
    assert "- Equal work is shown for 1 of 2 experiments (MLP in pytorch eager)" in listed
    assert "pytorch compiled (certificate missing)" in listed
    assert "The clock was not audited" in listed
    assert listed.endswith("- Stopped after 7 seeds.")


# Settings that nobody asked to differ


JAX = {"framework": "keras-jax", "execution": "compiled"}


def row(told: Mapping[str, str], **experiment: Any) -> Replicates:
    return runs.replicates([a_record(told, **experiment)])[0]


def a_record(told: Mapping[str, str], **experiment: Any) -> Record:
    return replace(make_record(**experiment), settings=dict(told))


def test_a_difference_nobody_asked_for_is_flagged_with_both_sides() -> None:
    groups = [row({"threads": "2"}), row({"threads": "1"}, **JAX)]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for"
    ]


def test_rows_that_agree_are_not_flagged() -> None:
    told = {"threads": "2", "precision": "float32", "OMP_NUM_THREADS": "2"}
    assert list(trust.unasked_sentences([row(told), row(told, **JAX)])) == []


def test_an_axis_that_was_varied_explains_its_setting() -> None:
    groups = [row({"threads": "1"}, threads=1), row({"threads": "2"}, threads=2)]
    assert list(trust.unasked_sentences(groups)) == []


def test_an_axis_that_was_varied_does_not_explain_rows_within_it() -> None:
    groups = [
        row({"threads": "1"}, threads=1),
        row({"threads": "2"}, threads=1, **JAX),
        row({"threads": "2"}, threads=2),
        row({"threads": "2"}, threads=2, **JAX),
    ]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 1 in pytorch eager, 2 in keras-jax compiled: not asked for"
    ]


@pytest.mark.parametrize(
    ("key", "axis", "values"),
    [
        ("XLA", "framework", ("off", "on")),
        ("TF32", "precision", ("off", "on")),
        ("memory layout", "native", ("channels last", "channels first")),
        ("preallocation", "device", ("off", "on")),
    ],
)
def test_each_axis_explains_what_it_is_said_to(
    key: str, axis: str, values: tuple[str, str]
) -> None:
    other: dict[str, Any] = {
        "framework": "keras-jax",
        "precision": "tf32",
        "native": ("memory-layout",),
        "device": "cuda",
    }
    asked = [row({key: values[0]}), row({key: values[1]}, **{axis: other[axis]})]
    assert list(trust.unasked_sentences(asked)) == []
    not_asked = [row({key: values[0]}), row({key: values[1]}, batch_size=64)]
    assert len(list(trust.unasked_sentences(not_asked))) == 1


def test_a_variable_set_for_one_row_alone_is_flagged() -> None:
    groups = [row({"threads": "2", "LD_PRELOAD": "libjemalloc.so"}), row({"threads": "2"}, **JAX)]
    assert list(trust.unasked_sentences(groups)) == [
        "LD_PRELOAD: libjemalloc.so in pytorch eager, not set in keras-jax compiled: not asked for"
    ]


def test_a_row_that_told_nothing_is_not_compared() -> None:
    assert list(trust.unasked_sentences([row({"threads": "2"}), row({}, **JAX)])) == []


def test_seeds_of_one_row_that_differ_are_flagged() -> None:
    records = [
        replace(make_record(seed=seed), settings={"CPU governor": governor})
        for seed, governor in enumerate(("performance", "powersave"))
    ]
    (sentence,) = trust.unasked_sentences(runs.replicates(records))
    assert "performance in pytorch eager" in sentence
    assert "powersave in pytorch eager" in sentence


def test_one_name_under_two_values_is_told_apart_by_what_differs() -> None:
    groups = [row({"threads": "2"}, batch_size=20), row({"threads": "1"}, batch_size=128)]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 2 in pytorch eager, batch size 20, 1 in pytorch eager, batch size 128: "
        "not asked for"
    ]


def test_the_note_of_a_section_says_it() -> None:
    groups = [row({"threads": "2"}), row({"threads": "1"}, **JAX)]
    (comparison,) = comparisons(groups, FRAMEWORK)
    assert trust.unasked_note(comparison.groups) == (
        "threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for."
    )
    (section,) = frameworks.side_by_side(groups).sections
    assert trust.unasked_note(comparison.groups) in section.note


def test_a_variable_that_nobody_listed_is_flagged_where_it_is_set_for_some() -> None:
    groups = runs.replicates(
        [
            replace(make_record(), settings={"threads": "2"}),
            replace(
                make_record(framework="keras-torch"),
                settings={"threads": "2", "OMP_WAIT_POLICY": "passive"},
            ),
        ]
    )
    (text,) = trust.unasked_sentences(groups)
    assert text.startswith("OMP_WAIT_POLICY: ")
    assert "not set in pytorch eager" in text


def test_rows_are_compared_by_settings_that_are_read() -> None:
    read = {"processors", "allocator", "CPU governor", "CPU boost"}
    of_gpus = {"GPU power limit", "GPU throttle reasons"}
    assert set(trust.EXPLAINED_BY) <= {*settings.TRAINER_KEYS, *read, *of_gpus}
    of_older_records = {"TORCHINDUCTOR_CACHE_DIR"}
    for name in trust.VARIABLES.keys() - of_older_records:
        assert settings.variables({name: "1"}) == {name: "1"}


# The audit


ARMS = Arms(
    experiment=EXPERIMENT,
    a_s=(1.00, 1.01, 0.99, 1.00, 1.00),
    same_s=(1.01, 1.00, 1.00, 0.99, 1.00),
    delayed_s=(1.054, 1.056, 1.043, 1.047, 1.05),
    injected_s=(0.05,) * 5,
)
AUDIT = Audit(
    made_at="2026-01-01T00:00:00+00:00",
    machine=MACHINE,
    timer=Timer(name="perf_counter, a clock", resolution_s=4e-8, cost_s=5e-8),
    arms=ARMS,
    unsynchronised=(
        Unsynchronised(device="cpu", unavailable="a CPU does the work before the call returns"),
        Unsynchronised(device="cuda", false_s=0.0002, true_s=0.02),
    ),
    peaks=(
        Peak(
            device="cpu",
            precision="fp32",
            threads=2,
            flop_per_s=181e9,
            bytes_per_s=39e9,
            by="NumPy 2.4.6",
        ),
    ),
    warnings=("It was loud: be quiet.",),
)


def beat(order: int, product_s: float = 0.001, busy: float = 0.0) -> Record:
    return replace(
        make_record(seed=order), pulse=Pulse(product_s=(product_s,) * 20, busy=busy, clock_hz=2e9)
    )


@pytest.mark.parametrize(
    "text",
    [
        "Noise floor 1.0 %: the very same experiment run as two arms (pytorch eager, 5 rounds of "
        "runs that train about 1.0 s) differed by +0.0 % (-1.0 % to +1.0 %), and no winner was "
        "named. A smaller difference on this device names no winner",
        "Injected delay of 50.0 ms a run (5.0 %): found, as 50.0 ms (",
        "A clock that does not wait, on CPU: unavailable: a CPU does the work before the call "
        "returns.",
        "A clock that does not wait for CUDA reads 0.200 ms for what takes 20.0 ms: it would be "
        "wrong by a factor of 100. Ours waits.",
        "Timer: perf_counter, a clock; its smallest step is 40.0 ns, and a reading costs 50.0 ns.",
        "Peak on CPU in fp32, 2 threads: 181 GFLOP/s in matrix products, 39.0 GB/s in copies "
        "(NumPy 2.4.6).",
        "Steadiness: the same small matrix product, before each of 2 runs, took 1.00 ms, at the "
        "slowest 0.0 % longer; the last quarter of the runs +0.0 % beside the first; other "
        "programs took at most 0.0 % of the processors; processors' clock 2.00 GHz.",
        "Warning: It was loud: be quiet.",
    ],
)
def test_every_part_of_an_audit_is_said(text: str) -> None:
    assert text in "\n".join(audit_sentences(AUDIT, [beat(0), beat(1)]))


def test_a_delay_that_was_not_found_is_said_so() -> None:
    missed = replace(AUDIT, arms=replace(ARMS, delayed_s=ARMS.same_s))
    text = "\n".join(audit_sentences(missed, []))
    assert "Injected delay of 50.0 ms a run (5.0 %): NOT found; seen were 0" in text


def test_a_winner_among_equals_is_said_so() -> None:
    unequal = replace(ARMS, same_s=tuple(0.9 * seconds for seconds in ARMS.same_s))
    text = "\n".join(audit_sentences(replace(AUDIT, arms=unequal), []))
    assert "and a winner was named" in text


def test_repetitions_are_counted() -> None:
    equal = replace(ARMS, delayed_s=(), injected_s=())
    unequal = replace(equal, same_s=tuple(0.9 * seconds for seconds in ARMS.same_s))
    text = "\n".join(audit_sentences(replace(AUDIT, repetitions=(*[equal] * 19, unequal)), []))
    assert (
        "Of 20 further comparisons of the experiment with itself, 5 pairs each, the report's rule "
        in text
    )
    assert "named no winner in 19 and one in 1." in text


def test_one_round_makes_up_no_noise_floor() -> None:
    of_one_round = replace(ARMS, a_s=(1.0,), same_s=(1.1,), delayed_s=(1.2,), injected_s=(0.05,))
    text = "\n".join(audit_sentences(replace(AUDIT, arms=of_one_round), []))
    assert "Noise floor: not known, of one round" in text
    assert "150 ms seen, of one round" in text


def test_an_audit_without_arms_claims_nothing_of_them() -> None:
    text = "\n".join(audit_sentences(replace(AUDIT, arms=None), []))
    assert "Noise floor" not in text
    assert "Injected" not in text
    assert "Timer:" in text


def test_where_there_is_no_audit_the_page_says_how_to_make_one() -> None:
    assert list(audit_sentences(None, [])) == [NO_AUDIT]


def test_a_machine_that_was_busy_during_the_runs_is_warned_of() -> None:
    *_, warning = audit_sentences(None, [beat(0), beat(1, busy=0.5)])
    assert warning.startswith(
        "Warning: During the runs other programs took up to 50 % of the processors: close"
    )


def test_the_plot_has_a_point_for_every_run_in_the_order_of_time() -> None:
    records = [beat(2, 0.003), beat(0, 0.001), beat(1, 0.002, busy=0.4)]
    (page,) = pages(costs.STEADINESS, runs.replicates(records))
    axes, beside = page.figure.axes
    points = axes.get_lines()[0]
    assert list(points.get_ydata()) == pytest.approx([1.0, 2.0, 3.0])  # type: ignore[arg-type]
    assert list(points.get_xdata()) == pytest.approx([0, 1 / 60, 2 / 60])  # type: ignore[arg-type]
    assert axes.get_ylabel() == "one product (ms)"
    assert beside.get_ylabel() == "processors' time taken by others (%)"
    assert "Testium 9000, 2 cores; runs on digits (mnist)" in axes.get_title()


def test_runs_whose_pulse_was_not_taken_are_no_plot() -> None:
    bare = [replace(make_record(), pulse=None)]
    assert list(pages(costs.STEADINESS, runs.replicates(bare))) == []
