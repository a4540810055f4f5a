"""What labels mean: spelled alike, numbered, and never guessed where two meanings fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets import DataError, open_cached, prepare
from datasets.own.labels import MOST_CHARACTERS, number_classes
from tests.own_files import shapes, write_npz

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = tuple("0123456789")


def classes_of(labels: Sequence[object], **given: object) -> list[str]:
    """The class that each label is taken for."""
    numbered = number_classes([np.array(labels)], name="own", **given)  # type: ignore[arg-type]
    return [numbered.names[index] for index in numbered.indices[0]]


# Spelled alike


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 12],
        [0.0, 1.0, 12.0],
        ["0", "1", "12"],
        ["0.0", "1.", " 12.000 "],
        ["0.000000e+00", "1e0", "1.2e+01"],  # as np.savetxt writes them
        [b"0", b"1.0", b"12"],
    ],
)
def test_whole_numbers_are_the_same_however_they_are_written(labels: list[object]) -> None:
    assert classes_of(labels) == ["0", "1", "12"]


def test_words_with_numbers_in_them_stay_as_they_are() -> None:
    words = ["007", "1.0.2", "v2", "2e", "one"]
    assert sorted(classes_of(words)) == sorted(words)


def test_names_that_the_user_gave_to_folders_are_no_numbers() -> None:
    assert classes_of(["1.5", "1.50", "inf"], are_names=True) == ["1.5", "1.50", "inf"]


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([1, 2, np.inf], "label inf of image 3"),
        ([1, -np.inf, 2], "label -inf of image 2"),
        ([np.nan, 1, 2], "label nan of image 1"),
        ([1, 2, 2, 0.5], "label 0.5 of image 4"),
        ([1e30, 2, 3], r"label 1e\+30 of image 1"),
        (["1", "2", "nan"], "label nan of image 3"),
        (["1", "Infinity"], "label Infinity of image 2"),
        (["1", "2", "2.5"], "label 2.5 of image 3"),
        (["1", "2", "1e999"], "label 1e999 of image 3"),
    ],
)
def test_what_is_no_number_of_a_class_is_refused_with_its_place(
    labels: list[object], what: str
) -> None:
    with pytest.raises(DataError, match=f"own: {what} is no whole number and no word; "):
        classes_of(labels)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "\u202eabc", "a\x00b", "  ", "\ud800"])
def test_a_name_that_a_terminal_would_obey_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot name a class") as caught:
        number_classes([np.array([name, "b"])], name="own")
    assert str(caught.value).isprintable()


def test_html_markdown_and_formulas_may_be_in_a_name() -> None:
    names = ["<b>", "**x**", "$x$", "a|b", "ä"]
    assert sorted(classes_of(names)) == sorted(names)


def test_a_name_longer_than_any_is_refused() -> None:
    with pytest.raises(DataError, match=f"a label of {MOST_CHARACTERS + 1} characters"):
        classes_of(["x" * (MOST_CHARACTERS + 1), "b"])
    with pytest.raises(DataError, match="labels of up to 2,000 characters"):
        classes_of(["x" * 2000, "b"])


# A known task: by names, or by numbers that can mean one thing alone


def test_numbers_that_fit_one_way_of_counting_alone_are_taken() -> None:
    assert classes_of([0, 2, 12], given=LETTERS) == ["A", "C", "M"]
    assert classes_of([1, 2, 26], given=LETTERS) == ["A", "B", "Z"]
    assert classes_of(["B", "Z"], given=LETTERS) == ["B", "Z"]
    assert classes_of([1, 9, 3], given=DIGITS) == ["1", "9", "3"]  # their names are numbers
    assert classes_of([0.0, 9.0], given=DIGITS) == ["0", "9"]


def test_numbers_that_fit_both_ways_are_asked_about() -> None:
    thirteen = list(range(1, 14))  # half of the letters of EMNIST, which counts from 1
    with pytest.raises(DataError) as caught:
        classes_of(thirteen, given=LETTERS)
    assert str(caught.value) == (
        "own: labels 1 to 13: counted from 0 they are B to N, counted from 1 they are A to M. "
        "Say which with --labels-from 0 or --labels-from 1, or write the classes' names as labels"
    )
    assert classes_of(thirteen, given=LETTERS, labels_from=1) == list("ABCDEFGHIJKLM")
    assert classes_of(thirteen, given=LETTERS, labels_from=0) == list("BCDEFGHIJKLMN")


def test_a_10_beside_1_to_9_is_asked_about_where_it_may_mean_0() -> None:
    for labels in (list(range(1, 11)), [3, 10]):  # SVHN writes 10 for the digit 0
        with pytest.raises(DataError, match=r"10 means the digit 0, as in SVHN.*--labels-from 1"):
            classes_of(labels, given=DIGITS)
    assert classes_of([1, 10, 3], given=DIGITS, labels_from=1) == ["0", "9", "2"]


def test_the_same_of_a_new_task_is_said_and_changes_nothing() -> None:
    numbered = number_classes([np.arange(1, 11)], name="own")
    assert numbered.names == tuple(str(n) for n in range(1, 11))
    assert "where 10 means the digit 0" in numbered.reading[0]
    assert number_classes([np.arange(10)], name="own").reading == ()


@pytest.mark.parametrize(
    ("labels", "given", "labels_from", "message"),
    [
        ([0, 1, 13], LETTERS, 1, "label '0' is none of 1 to 26, which --labels-from 1 means"),
        ([1, 26], LETTERS, 0, "label '26' is none of 0 to 25, which --labels-from 0 means"),
        ([0, 27], LETTERS, None, "'27' is no class of this task; wanted labels of A, B, C"),
        (["a", "b"], LETTERS, None, "'a' is no class of this task"),
        ([0, 1], (), 1, "--labels-from says which class of a known task a number means"),
    ],
)
def test_labels_that_do_not_fit_are_named(
    labels: list[object], given: tuple[str, ...], labels_from: int | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        classes_of(labels, given=given, labels_from=labels_from)


# The whole way


def half_of_emnist(folder: Path) -> tuple[Path, NDArray[np.int64]]:
    numbers = np.arange(78) % 13 + 1
    return write_npz(folder, x=shapes(78)[0], y=numbers), numbers


def test_the_answer_is_part_of_what_is_cached(tmp_path: Path) -> None:
    file, _ = half_of_emnist(tmp_path)
    with pytest.raises(DataError, match="counted from 0 they are B to N"):
        prepare("letters", data_file=file)
    from_1, from_0 = (prepare("letters", data_file=file, labels_from=start) for start in (1, 0))
    assert from_1.folder != from_0.folder
    assert set(open_cached(from_1.folder).train.labels) == set(range(13))
    assert set(open_cached(from_0.folder).train.labels) == set(range(1, 14))
    assert from_1.notes == ("letters: labels 1 to 26 are taken for A to Z",)
    assert open_cached(from_1.folder).reading == ("labels 1 to 26 are taken for A to Z",)
