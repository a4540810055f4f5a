"""What a suite ends with: the table, the sentence, the page."""

from __future__ import annotations

import io
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.report import closing
from bench.results.evidence import NONE, Evidence
from bench.results.folder import Results
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, make_record
from tests.report.test_summary import FAST, SLOW, seeds, several

ALIKE = (1.10, 1.00, 1.05, 0.90, 1.20)  # seconds of five seeds, which SLOW has in another order


class Terminal(io.StringIO):
    """A terminal that keeps what it is shown."""

    def isatty(self) -> bool:
        return True


def shown(
    folder: Path, records: Sequence[Record], *, terminal: bool = False, browser: bool = False
) -> str:
    """What a suite with these records ends with."""
    for record in records:
        Results(folder).save(record)
    out = Terminal() if terminal else io.StringIO()
    closing.show(Results(folder), browser=browser, file=out)
    return out.getvalue()


def sentence_of(records: Sequence[Record]) -> str:
    return closing.sentence(closing.columns(runs.replicates(records)))


def test_the_fastest_stands_first_and_who_is_not_shown_to_be_slower_is_marked(
    tmp_path: Path,
) -> None:
    records = several(("pytorch", FAST), ("keras-jax", SLOW), ("keras-torch", ALIKE))
    records += several(("jax", tuple(1.001 * s for s in FAST[::-1])))
    lines = [line.split() for line in shown(tmp_path, records).splitlines()]
    rows = [words for words in lines if words and words[-1].endswith("×")]
    assert [words[0] for words in rows] == ["pytorch", "jax", "keras-jax", "keras-torch"]
    assert [words[-1] for words in rows] == ["1.00×", "~1.00×", "0.50×", "0.50×"]


def test_the_table_has_six_rows_at_most_and_says_how_many_are_left(tmp_path: Path) -> None:
    executions = ("eager", "compiled", "tuned", "compiled-step", "epoch", "graph", "resident")
    records = [make_record(execution=name, seed=seed) for name in executions for seed in (0, 1)]
    text = shown(tmp_path, records)
    assert text.count("×") == 6
    assert "\n1 more on the page.\n" in text


def test_what_failed_is_a_row_that_says_how_and_a_sentence_that_says_why(tmp_path: Path) -> None:
    failed = make_record(framework="numpy", status="crashed", reason="signal 9")
    text = shown(tmp_path, [*seeds("pytorch", *FAST), failed])
    assert [line.split() for line in text.splitlines() if line.startswith("  numpy")] == [
        ["numpy", "eager", "crashed"]
    ]
    assert "1 of 6 runs did not end well: numpy eager, crashed: signal 9." in text


def test_a_suite_in_which_everything_failed_has_no_table(tmp_path: Path) -> None:
    text = shown(tmp_path, [make_record(status="crashed", reason="signal 9")])
    assert closing.CAPTION not in text
    assert "1 of 1 runs did not end well" in text


def test_a_winner_is_named_with_its_interval() -> None:
    assert sentence_of(several(("pytorch", FAST), ("keras-jax", SLOW))) == (
        "MLP on digits: pytorch eager is the fastest, 1.99 [1.96 to 2.04] times as fast as "
        "keras-jax eager."
    )


def test_who_cannot_be_told_apart_is_named_as_undecided() -> None:
    assert sentence_of(several(("pytorch", SLOW), ("keras-jax", ALIKE))) == (
        "MLP on digits: undecided between keras-jax eager and pytorch eager."
    )
    three = several(("pytorch", SLOW), ("keras-jax", ALIKE), ("jax", SLOW[::-1]))
    assert sentence_of(three).count(", ") == sentence_of(three).count(" and ") == 1


def test_one_seed_names_no_winner() -> None:
    assert sentence_of(several(("pytorch", FAST[:1]), ("keras-jax", SLOW[:1]))) == (
        "MLP on digits: pytorch eager is ahead, but one seed shows no winner."
    )


def test_all_networks_share_the_sentence_and_what_differs_between_them_is_said() -> None:
    records = [
        make_record(framework=name, learning_rate=rate, architecture=architecture)
        for name in ("pytorch", "jax")
        for rate, architecture in ((0.001, "mlp"), (0.01, "mlp"), (0.001, "cnn"))
    ]
    claims = sentence_of(records).split("; ")
    assert [claim.partition(":")[0] for claim in claims] == [
        "CNN on digits",
        "MLP on digits, learning rate 0.001",
        "MLP on digits, learning rate 0.01",
    ]


def test_rows_that_are_alone_leave_the_table_to_comparisons() -> None:
    compared = several(("pytorch", FAST), ("keras-jax", SLOW))
    alone = [make_record(task="letters", source="az-sample")]
    assert "letters" not in sentence_of([*compared, *alone])
    assert sentence_of(alone) == "MLP on letters trains at 1,000 images/s in pytorch eager."


def test_colours_are_for_terminals_and_not_where_no_color_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = several(("pytorch", FAST), ("keras-jax", SLOW))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b" not in shown(tmp_path, records)
    green = "32m"
    assert green in shown(tmp_path, records, terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert green not in shown(tmp_path, records, terminal=True)


def test_the_page_comes_last_and_is_opened_only_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    page = tmp_path / "index.html"
    assert shown(tmp_path, [make_record()]).endswith(f"\n{page}\n")
    assert opened == []
    shown(tmp_path, [make_record()], browser=True)
    assert opened == [page.resolve().as_uri()]


def test_drawn_images_are_named(tmp_path: Path) -> None:
    text = shown(tmp_path, [make_record(source="glyphs")])
    assert "Digits: drawn by the project (glyphs), not real handwriting." in text


def test_it_says_how_much_was_checked() -> None:
    def checked(*records: Record, evidence: Evidence = NONE) -> str:
        return closing.checked(runs.replicates(records, evidence))

    assert checked(make_record()) == (
        "Noise floor not known; equal work is shown for 0 of 1 experiments."
    )
    ensemble = make_record(architecture="ensemble-mlp")  # which no other framework has
    assert checked(ensemble, evidence=EVIDENCE) == "Noise floor 1.0 %."
