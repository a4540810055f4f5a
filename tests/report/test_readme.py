"""The summary of a results folder: the answer first, one short table, links to all else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import readme
from bench.report.tables import frameworks, ladder
from bench.results.folder import Results
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, make_record

FIVE = ("keras-jax", "keras-tensorflow", "keras-torch", "numpy", "pytorch")
SLOW = (1.00, 1.10, 0.90, 1.20, 1.05)


def page_of(records: Sequence[Record], folder: Path = Path("mine")) -> str:
    """README.md, without plots and with one table."""
    groups = runs.replicates(records, EVIDENCE)
    plain = ladder.unrestored(groups)
    report = readme.Report(
        results=Results(folder),
        records=records,
        groups=groups,
        plain=plain,
        sentences=[],
        beside=frameworks.side_by_side(plain),
        tables=[readme.Listed(name="frameworks", title="Frameworks side by side", needs="")],
        plots=[],
    )
    return "\n\n".join(readme.paragraphs(report))


def seeds(times_as_slow: float, **experiment: Any) -> list[Record]:
    """Five runs, of which each is a little slower than the one before beside those of others."""
    return [
        make_record(
            seed=seed,
            train_s=(times_as_slow ** (1 + seed / 100) * s,),
            accuracies=(0.98,),
            **experiment,
        )
        for seed, s in enumerate(SLOW)
    ]


def rows(page: str) -> list[list[str]]:
    """The cells of the first table, without headers."""
    section = page.partition("## Side by side")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_what_was_measured_what_is_faster_and_whether_to_trust_it_stand_first() -> None:
    page = page_of([*seeds(1), *seeds(2, framework="keras-jax")])
    first = page.splitlines()[:10]
    assert any(line.startswith("Measured: MLP on digits") for line in first)
    assert any(line.startswith("Faster in training: pytorch eager") for line in first)
    assert any("All that was checked](details.md#can-these" in line for line in first)


def test_the_table_sets_each_framework_beside_the_fastest_of_its_block() -> None:
    block, jax, torch = rows(page_of([*seeds(1), *seeds(2, framework="keras-jax")]))
    assert block[0] == "**MLP on digits (mnist), CPU, batch size 128**"
    assert block[3] == "to 97 %"  # of 97 and 99 %, the highest that was reached
    assert jax[0] == "keras-jax eager"
    assert jax[2].startswith("0.49")
    assert jax[2].endswith("], slower")
    assert torch[2] == "the highest"
    assert "±" not in "".join(torch)


def test_a_framework_alone_is_one_line_beside_nothing() -> None:
    (line,) = rows(page_of(seeds(1)))
    assert line[0] == "MLP on digits (mnist), CPU, batch size 128: pytorch eager"
    assert line[2].startswith("to 97 %: ")
    assert "beside" not in page_of(seeds(1)).partition("## Side by side")[2].partition("\n## ")[0]


def test_what_is_not_as_it_should_be_is_remarked_in_its_row() -> None:
    failed = make_record(framework="keras-jax", status="crashed", reason="signal 9")
    disturbed = make_record(framework="numpy", others_share=0.5)
    _, jax, numpy, torch = rows(page_of([make_record(), failed, disturbed]))
    assert jax[-1].startswith("0 of 1; crashed: signal 9")
    assert "† other programs took 50 %" in numpy[-1]
    assert torch[-1] == "not matched: certificate missing"


def test_versions_that_all_have_stand_once() -> None:
    versions = {"python": "3.11.7", "torch": "2.13.0"}
    others = {"python": "3.11.7", "jax": "0.10.2"}
    records = [
        make_record(versions=versions),
        make_record(framework="jax", versions=others),
        make_record(framework="numpy", versions={"python": "3.11.7"}),
    ]
    page = page_of(records)
    assert "\n- all: python 3.11.7\n- pytorch: torch 2.13.0\n- jax: jax 0.10.2\n\n" in page
    assert "- pytorch: python 3.11.7, torch 2.13.0\n" in page_of(records[:1])


def test_of_many_comparisons_the_first_stand_on_the_page_and_the_others_are_counted() -> None:
    records = [
        make_record(framework=name, batch_size=size) for name in FIVE for size in range(10, 20)
    ]
    page = page_of(records)
    assert len(rows(page)) <= readme.MOST_LINES
    assert "3 more blocks and all columns, with how to read them" in page


def test_a_page_of_the_standard_comparison_is_short() -> None:
    records = [
        make_record(framework=name, architecture=network, task=task, seed=seed)
        for name in FIVE
        for network in ("mlp", "cnn")
        for task in ("digits", "letters")
        for seed in range(5)
    ]
    assert len(page_of(records).split()) < 1200
