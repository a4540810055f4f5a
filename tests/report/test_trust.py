"""Whether numbers can be trusted: equal work, and settings that differ unasked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bench.experiment import Experiment
from bench.machine import settings
from bench.report import audit, trust
from bench.report.comparison import FRAMEWORK, comparisons
from bench.report.tables import certificates, columns, frameworks
from bench.report.tables.table import Row, to_frame, to_markdown
from bench.results.evidence import (
    Arms,
    Certificate,
    Check,
    Evidence,
    SuiteFacts,
)
from bench.results.record import Recheck, Record
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.trainers import FRAMEWORKS
from tests.records import EVIDENCE, EXPERIMENT, make_record

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
    assert "- Equal work is shown for 1 of 2 experiments: logits, " in listed
    assert "The experiments: MLP in pytorch eager.\n" in listed
    assert "pytorch compiled (certificate missing)" in listed
    assert "The clock was not audited" in listed
    assert listed.endswith("- Stopped after 7 seeds.")


def test_the_summary_says_the_same_in_a_few_lines() -> None:
    records = [make_record(), make_record(execution="compiled")]
    evidence = Evidence(
        certificates=(a_certificate(),), suite=SuiteFacts(seeds_stopped="Stopped after 7 seeds.")
    )
    groups = runs.replicates(records, evidence)
    assert list(trust.brief(groups, records)) == [
        "Equal work is shown for 1 of 2 experiments, by a NumPy float64 referee.",
        audit.NO_AUDIT,
        "Stopped after 7 seeds.",
    ]
    unlike = [row({"threads": "2"}), row({"threads": "1"}, **JAX)]
    assert list(trust.brief(unlike, []))[-1] == (
        "Settings differ between rows though nobody asked for it: threads."
    )


def test_the_summary_names_floor_and_delay_and_counts_warnings() -> None:
    assert EVIDENCE.audit is not None
    quiet = "Noise floor 5.6 %: a smaller difference names no winner."
    lines = list(audit.brief(EVIDENCE.audit, []))
    assert any(line.startswith("Noise floor") for line in lines)
    warned = replace(EVIDENCE.audit, warnings=("Hot: cool it.", "Busy: close it."))
    assert list(audit.brief(warned, []))[-1] == "2 warnings: the details say what to do."
    arms = Arms(
        experiment=EXPERIMENT,
        a_s=(1.0, 1.0, 1.0),
        same_s=(1.02, 0.98, 1.01),
        delayed_s=(),
        injected_s=(),
    )
    floor, *_ = audit.brief(replace(EVIDENCE.audit, arms=arms, warnings=()), [])
    assert floor == quiet


# Asked again


def asked_again(
    *, steps: int = 16, answers: float | None = 3e-7, seen: bool | None = True, **changes: Any
) -> Record:
    """A run that counted its steps, 16 of them, and was asked again."""
    record = make_record(**changes)
    assert record.measurement is not None
    execution = record.experiment.execution
    recheck = Recheck(execution=execution, answers_deviation=answers, dropout_seen=seen)
    measured = replace(record.measurement, steps_counted=steps, recheck=recheck)
    return replace(record, measurement=measured)


def test_the_page_says_what_runs_showed_when_they_were_asked_again() -> None:
    records = [
        asked_again(),
        asked_again(seed=1, answers=5e-7),
        asked_again(precision="bf16", answers=2e-3, seen=None),
        asked_again(dropout=False, seen=False),
        make_record(seed=2, status="failed", reason="no"),
    ]
    assert list(trust.recheck_sentences(records)) == [
        "The optimiser's own count of steps, read in all 4 runs, was what was asked for in all 4.",
        "After every clock had stopped all 4 runs were asked again: all 4 ran in the execution "
        "that their row names, and answers were at most 5.0e-07 in fp32, 2.0e-03 in bf16 from "
        "those that a NumPy float64 referee gives with the same weights.",
        "The loss of a step shows that dropout was on in 2 runs that asked for it, off in 1 run "
        "that did not, not looked at in 1.",
    ]


def test_what_only_some_runs_did_is_counted() -> None:
    steps, again = list(trust.recheck_sentences([asked_again(seen=None), make_record(seed=1)]))
    assert steps.startswith("The optimiser's own count of steps, read in 1 of 2 runs,")
    assert again.startswith("After every clock had stopped 1 of 2 runs were asked again")


def test_a_count_that_is_not_what_was_asked_for_is_not_hidden() -> None:
    steps, *_ = trust.recheck_sentences([asked_again(), asked_again(seed=1, steps=15)])
    assert steps.endswith("was what was asked for in 1 of 2.")


def test_where_no_run_has_a_referee_nothing_is_said_of_answers() -> None:
    _, again = trust.recheck_sentences([asked_again(answers=None, seen=None)])
    assert again.endswith("ran in the execution that their row names.")


def test_of_older_records_the_page_says_nothing_of_it() -> None:
    records = [make_record(), make_record(execution="compiled")]
    text = "\n".join(trust.sentences(runs.replicates(records), records))
    for words in ("asked again", "count of steps", "Withheld", "drawn from the seed", "dropout"):
        assert words not in text


def test_the_page_names_the_variables_that_were_withheld_once() -> None:
    records = [
        replace(make_record(seed=seed), settings={"GLYPHBENCH_WITHHELD": names})
        for seed, names in enumerate(("JAX_DISABLE_JIT KERAS_BACKEND", "JAX_DISABLE_JIT"))
    ]
    text = "\n".join(trust.sentences(runs.replicates(records), records))
    assert (
        "Withheld from the runs, since they would change what a framework does: JAX_DISABLE_JIT, "
        "KERAS_BACKEND." in text
    )
    assert "not asked for" not in text  # a withheld variable did nothing, wherever it was set


def test_the_page_says_which_framework_ran_in_which_environment() -> None:
    records = [
        replace(make_record(framework=name, seed=seed), settings={"environment": environment})
        for seed in (0, 1)
        for name, environment in (("pytorch", ".venv"), ("keras-tensorflow", ".venv-tensorflow"))
    ]
    sentence = "Environments of Python: pytorch in .venv; keras-tensorflow in .venv-tensorflow."
    assert sentence in list(trust.sentences(runs.replicates(records), records))
    alone = [record for record in records if record.experiment.framework == "pytorch"]
    assert "Environments" not in "\n".join(trust.sentences(runs.replicates(alone), alone))


def test_the_page_says_that_the_order_within_each_seed_was_drawn() -> None:
    records = [
        replace(make_record(batch_size=size), position=position)
        for position, size in enumerate((64, 20, 128))
    ]
    sentence = (
        "The order of all 3 runs within their seed was drawn from the seed: none always "
        "came after the same other one."
    )
    assert sentence in list(trust.sentences(runs.replicates(records), records))
    alone = records[:1]  # one experiment has no order
    assert sentence[:11] not in "\n".join(trust.sentences(runs.replicates(alone), alone))


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


def test_a_variable_that_an_execution_sets_is_asked_for_with_it() -> None:
    set_by_executions = {
        name
        for framework in FRAMEWORKS.values()
        for variables in framework.environment_of.values()
        for name in variables
    }
    assert set_by_executions
    for name in set_by_executions:
        is_set, is_not = {"threads": "2", name: "1"}, {"threads": "2"}
        assert list(trust.unasked_sentences([row(is_set, execution="tuned"), row(is_not)])) == []
        assert len(list(trust.unasked_sentences([row(is_set, batch_size=64), row(is_not)]))) == 1


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


def test_of_many_rows_those_that_have_what_most_have_are_counted() -> None:
    frameworks = ("pytorch", "keras-torch", "keras-jax", "keras-tensorflow", "jax", "numpy")
    groups = [row({"threads": "2"}, framework=name) for name in frameworks[:5]]
    groups.append(row({"threads": "1"}, framework="numpy"))
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 2 in 5 rows, 1 in numpy eager: not asked for"
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
