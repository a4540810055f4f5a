"""Whether a row's work is matched, in tables, on plots and on the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.experiment import Experiment
from bench.report import trust
from bench.report.tables import certificates, columns
from bench.report.tables.table import Row, to_frame, to_markdown
from bench.results.evidence import Certificate, Check, Evidence, SuiteFacts
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import EXPERIMENT, make_record

VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}  # of make_record


def a_check(quantity: str, deviation: float) -> Check:
    return Check(quantity=quantity, deviation=deviation, tolerance=1e-5, reason="float32")


GOOD = (a_check("logits at step 0", 1e-7), a_check("gradients at step 1", 2e-7))
BAD = (a_check("logits at step 0", 1e-4), a_check("gradients at step 1", 0.012))


def a_certificate(experiment: Experiment = EXPERIMENT, **changes: Any) -> Certificate:
    made = Certificate(
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
    return replace(made, **changes)


def groups(*records: Record, made: tuple[Certificate, ...] = ()) -> list[Replicates]:
    return runs.replicates(records, Evidence(certificates=made))


def test_a_row_whose_certificate_passes_is_matched() -> None:
    (group,) = groups(make_record(), made=(a_certificate(),))
    assert trust.work(group) == "matched"
    assert columns.WORK.cell(Row(groups=(group,))).raw == ("matched",)


def test_a_row_without_a_certificate_is_not_matched() -> None:
    (group,) = groups(make_record())
    assert trust.work(group) == "not matched: certificate missing"


def test_a_certificate_of_other_versions_is_no_certificate() -> None:
    made = a_certificate(versions={"python": "3.11.7", "torch": "2.12.0"})
    (group,) = groups(make_record(), made=(made,))
    assert trust.work(group) == "not matched: certificate missing"


def test_a_row_whose_certificate_fails_says_which_quantity_is_off_the_most() -> None:
    (group,) = groups(make_record(), made=(a_certificate(checks=BAD),))
    assert trust.work(group) == (
        "not matched: gradients at step 1 deviate by 1.2e-02, tolerance 1.0e-05, and 1 more check"
    )


def test_a_framework_that_could_not_be_checked_is_not_matched() -> None:
    made = a_certificate(checks=(), failure="not done after 300 s")
    (group,) = groups(make_record(), made=(made,))
    assert trust.work(group) == "not matched: could not be checked: not done after 300 s"


def test_what_is_left_to_the_framework_is_not_matched_whatever_its_certificate() -> None:
    (group,) = groups(make_record(native=("kernel-init",)), made=(a_certificate(),))
    assert trust.work(group) == "not matched: left to the framework: kernel-init"


def test_a_row_of_two_groups_is_matched_only_if_both_are() -> None:
    one, other = groups(make_record(), make_record(device="cuda"), made=(a_certificate(),))
    cell = columns.WORK.cell(Row(groups=(one, other)))
    assert cell.shown == "not matched: certificate missing"


def test_a_row_of_which_nothing_ran_says_nothing_of_its_work() -> None:
    (group,) = groups(make_record(status="failed", reason="no memory"))
    assert columns.WORK.cell(Row(groups=(group,))).shown == ""


def test_a_plot_names_what_it_shows_that_is_not_matched() -> None:
    shown = groups(
        make_record(),
        make_record(execution="compiled"),
        make_record(native=("kernel-init",)),
        made=(a_certificate(), a_certificate(execution="compiled", checks=BAD)),
    )
    assert trust.unmatched_note(shown) == (
        "Not matched: pytorch compiled (certificate fails); "
        "pytorch eager (left to the framework: kernel-init)"
    )


def test_a_plot_of_matched_work_has_no_note() -> None:
    assert trust.unmatched_note(groups(make_record(), made=(a_certificate(),))) == ""


def test_the_certificates_table_has_a_row_a_subject_and_shows_what_is_missing() -> None:
    shown = groups(
        make_record(),
        make_record(batch_size=512),  # the same subject
        make_record(execution="compiled"),
        make_record(framework="numpy"),
        made=(a_certificate(checks=BAD), a_certificate(execution="compiled")),
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
    heading, said = trust.paragraphs(runs.replicates(records, evidence), records)
    assert heading == "## Can these numbers be trusted?"
    assert "- Equal work is shown for 1 of 2 experiments (MLP in pytorch eager)" in said
    assert "pytorch compiled (certificate missing)" in said
    assert "The clock was not audited" in said
    assert said.endswith("- Stopped after 7 seeds.")
