"""A user's CSV: either column order, headers, separators, and which column holds the labels."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import DataError, open_cached, prepare
from datasets.own import table
from datasets.own.columns import choose_label_column, is_header, is_renamed_image
from datasets.own.labels import Texts
from datasets.tasks import silent
from tests.data_files import unhurried
from tests.own_files import shapes

REAL = os.environ.get("GLYPHBENCH_DATA")
PIXELS, NAMES = shapes(30, side=8)


def text(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    labels: Texts,
    *,
    first: bool = True,
    header: str | None = None,
    separator: str = ",",
) -> str:
    """A table; ``header``: None, 'words' or 'numbers'."""
    flat = pixels.reshape(len(pixels), -1).astype(str)
    column = labels.astype(str)[:, None]
    rows = np.hstack([column, flat] if first else [flat, column]).tolist()
    if header is not None:
        names = [f"{n}" if header == "numbers" else f"pixel{n}" for n in range(flat.shape[1])]
        rows.insert(0, ["label", *names] if first else [*names, "label"])
    return "".join(separator.join(row) + "\n" for row in rows)


def notes_of(path: Path) -> tuple[str, ...]:
    return table.read((path,), silent).reading


labels_of_a_kind = st.sampled_from(
    (
        ("bar", "cross", "ring"),  # words
        ("0", "1", "2"),
        ("1", "2", "3"),
        ("7", "9", "1000"),
        ("-1", "5", "6"),
        ("NA", "null", "true"),  # which pandas would take for something else
    )
)


@unhurried
@given(
    kinds=labels_of_a_kind,
    first=st.booleans(),
    header=st.sampled_from((None, "words", "numbers")),
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(("\n", "\r\n")),
    marked=st.booleans(),
    side=st.integers(4, 9),
    seed=st.integers(0, 999),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: tuple[str, ...],
    first: bool,
    header: str | None,
    separator: str,
    line_end: str,
    marked: bool,
    side: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (18, side, side), dtype=np.uint8)
    pixels[:, 0, 0] = pixels[:, -1, -1] = 0  # the corners are paper
    labels = np.array(kinds)[np.arange(18) % 3]
    content = text(pixels, labels, first=first, header=header, separator=separator)
    path = tmp_path_factory.mktemp("csv") / "own.csv"
    path.write_bytes(content.replace("\n", line_end).encode("utf-8-sig" if marked else "utf-8"))
    content_read = table.read((path,), silent)
    assert content_read.rest.labels.tolist() == labels.tolist()
    assert np.array_equal(content_read.rest.images, pixels.reshape(18, -1))
    assert f"labels are the {'first' if first else 'last'} column" in content_read.reading[0]


@pytest.mark.parametrize(
    ("first", "last", "header", "is_first", "reason"),
    [
        ([0, 1, 2], ["a", "b", "c"], None, False, "it cannot be pixels, the other can"),
        ([0, 1, 2], [0, 1, 300], None, False, "it cannot be pixels, the other can"),
        ([0, 1, 2], [0, 1, 2], ("label", "x", "y1"), True, "the header says so"),
        ([0, 1, 2], [0, 1, 2], ("x", "p", "Class"), False, "the header says so"),
        ([0, 0, 0], [0, 1, 2], None, False, "the other is no list of classes"),
        ([3, 7, 7], [0.5, 0, 1], None, True, "the other is no list of classes"),
        ([1, 2, 3], [0, 128, 255], None, True, "its numbers have no gap"),
    ],
)
def test_the_label_column_is_chosen_by_evidence(
    first: list[object],
    last: list[object],
    header: tuple[str, ...] | None,
    is_first: bool,
    reason: str,
) -> None:
    texts = [np.array([str(label) for label in column] * 4) for column in (first, last)]
    choice = choose_label_column(texts[0], texts[1], header, name="own.csv")
    assert (choice.is_first, choice.reason) == (is_first, reason)


def test_where_nothing_tells_the_columns_apart_a_header_is_asked_for(tmp_path: Path) -> None:
    column = np.array(["0", "1", "2"] * 5)
    with pytest.raises(DataError, match="add a header line that names that column 'label'"):
        choose_label_column(column, column, None, name="own.csv")
    with pytest.raises(DataError, match="neither the first nor the last column can be pixels"):
        choose_label_column(np.array(["a"]), np.array(["b"]), ("label", "x"), name="own.csv")


def test_gzip_and_zip_are_unpacked_and_the_whole_way_is_gone(tmp_path: Path) -> None:
    pixels, names = shapes(60)
    content = text(pixels, names, first=False).encode()
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("own.csv", content)
    opened = [
        open_cached(prepare("fruit", data_file=tmp_path / name).folder)
        for name in ("own.csv.gz", "own.zip")
    ]
    assert opened[0].class_names == ("bar", "cross", "ring")
    assert opened[0].fingerprint == opened[1].fingerprint
    known = {image.tobytes() for image in pixels}
    assert {image.tobytes() for image in opened[0].train.images} <= known


def test_many_rows_are_read_in_pieces_that_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_CHUNK_VALUES", 7 * 65)
    path = tmp_path / "own.csv"
    path.write_text(text(PIXELS, NAMES, header="words"))
    content = table.read((path,), silent)
    assert content.rest.labels.tolist() == NAMES.tolist()
    assert np.array_equal(content.rest.images, PIXELS.reshape(30, -1))
    path.write_text(
        text(PIXELS, NAMES, header="words").replace("\n", ",\n").replace(",\n", "\n", 9)
    )
    with pytest.raises(DataError, match=r"Expected 65 fields in line 10, saw 66"):
        table.read((path,), silent)


def test_fractions_from_0_to_1_are_a_scale_of_their_own(tmp_path: Path) -> None:
    pixels, names = shapes(30)
    path = tmp_path / "own.csv"
    rows = [
        f"{n}," + ",".join(f"{v / 255:.4f}" for v in p.flat)
        for p, n in zip(pixels, names, strict=True)
    ]
    path.write_text("\n".join(rows))
    prepared = prepare("fruit", data_file=path)
    assert "pixels run from 0 to 1; they were multiplied to run to 255" in prepared.notes[1]
    known = {image.tobytes() for image in pixels}
    assert {image.tobytes() for image in open_cached(prepared.folder).test.images} <= known


GOOD = text(PIXELS, NAMES)
FIRST_ROW = GOOD.split("\n", 1)[0]

MISTAKES = [
    ("\n\n", "holds no rows"),
    ("a,b,c\n1,2,3\n", "3 columns; wanted a label and a square number of pixels"),
    (GOOD.replace("\n", ",0\n"), "66 columns; wanted .* counts the rows, leave it out"),
    (GOOD[:-60], r"row 30 has nothing in the last of its 65 columns; is the file truncated"),
    (GOOD.replace("ring,0", "ring,x", 1), r"row 3, column 2: 'x' is no pixel"),
    (GOOD.replace("ring,0,0", "ring,0,", 1), r"row 3, column 3: '' is no pixel"),
    (GOOD.replace("ring,0", "ring,256", 1), r"image 3 has a pixel of 256"),
    (text(PIXELS, NAMES, header="words").replace("ring,0", "ring,x", 1), r"row 4, column 2"),
    (GOOD.replace("ring", "r\udcff"), "UTF-8|utf-8"),
    (FIRST_ROW, "1 class"),
]


@pytest.mark.parametrize(("content", "message"), MISTAKES)
def test_a_table_that_cannot_be_used_names_the_place(
    content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        prepare("fruit", data_file=path)


@pytest.mark.skipif(REAL is None, reason="needs GLYPHBENCH_DATA, the folder with the real data")
def test_the_real_letters_are_read_as_by_their_own_parser() -> None:
    path = Path(REAL or "") / "letters" / "az_sample.csv.gz"
    own = open_cached(prepare("letters", data_file=path).folder)
    known = open_cached(prepare("letters", source="az-sample").folder)
    assert own.fingerprint == known.fingerprint
    assert own.class_names == known.class_names


# What pandas and spreadsheets make of a table


def written(folder: Path, content: str) -> Path:
    path = folder / "own.csv"
    path.write_text(content)
    return path


def with_index(content: str, *, last: bool = False, start: int = 0, name: str = "") -> str:
    """The same table with a column more that counts its rows, below ``name`` in its header."""
    lines = content.splitlines()
    counts = [str(number + start) for number in range(len(lines))]
    if "pixel0" in lines[0]:
        counts = [name, *counts[:-1]]
    joined = zip(lines, counts, strict=True) if last else zip(counts, lines, strict=True)
    return "\n".join(",".join(pair) for pair in joined)


@pytest.mark.parametrize("header", [None, "words"])
@pytest.mark.parametrize("label_first", [True, False])
@pytest.mark.parametrize("index_last", [True, False])
@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_the_rows_is_left_out_at_either_end(
    header: str | None, label_first: bool, index_last: bool, start: int, tmp_path: Path
) -> None:
    plain = text(PIXELS, NAMES, first=label_first, header=header)
    content = table.read(
        (written(tmp_path, with_index(plain, last=index_last, start=start)),), silent
    )
    assert content.rest.labels.tolist() == NAMES.tolist()
    assert np.array_equal(content.rest.images, PIXELS.reshape(30, -1))
    end = "last" if index_last else "first"
    assert content.reading[0] == f"left out: the {end} column, which counts the rows"
    assert (
        f"the {'first' if label_first else 'last'} column of own.csv of the others"
        in (content.reading[1])
    )


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "ID"])
def test_a_shuffled_count_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    lines = with_index(text(PIXELS, NAMES, header="words"), name=name).splitlines()
    lines[1:] = lines[:0:-1]
    content = table.read((written(tmp_path, "\n".join(lines)),), silent)
    assert content.rest.labels.tolist() == NAMES[::-1].tolist()
    assert np.array_equal(content.rest.images, PIXELS[::-1].reshape(30, -1))


def test_an_image_that_pandas_took_for_a_header_is_no_image(tmp_path: Path) -> None:
    import pandas as pd

    labels = np.array([("7", "8", "9")[number % 3] for number in range(30)])
    first = written(tmp_path, text(PIXELS, labels))
    pd.read_csv(first).to_csv(tmp_path / "again.csv", index=False)  # without header=None
    content = table.read((tmp_path / "again.csv",), silent)
    assert content.rest.labels.tolist() == labels[1:].tolist()
    assert np.array_equal(content.rest.images, PIXELS[1:].reshape(29, -1))
    assert "left out: the first line, an image that pandas" in content.reading[-1]
    words = written(tmp_path, text(PIXELS, NAMES))
    pd.read_csv(words).to_csv(tmp_path / "again.csv")  # and with its count of the rows
    content = table.read((tmp_path / "again.csv",), silent)
    assert content.rest.labels.tolist() == NAMES[1:].tolist()
    assert np.array_equal(content.rest.images, PIXELS[1:].reshape(29, -1))


@pytest.mark.parametrize("separator", [" ", "   ", "|", ", "])
def test_spaces_and_bars_stand_between_columns_too(separator: str, tmp_path: Path) -> None:
    content = table.read((written(tmp_path, text(PIXELS, NAMES, separator=separator)),), silent)
    assert content.rest.labels.tolist() == NAMES.tolist()
    assert np.array_equal(content.rest.images, PIXELS.reshape(30, -1))


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    numbers = np.arange(30) % 3
    np.savetxt(tmp_path / "own.txt", np.column_stack([numbers, PIXELS.reshape(30, -1)]))
    dataset = open_cached(prepare("fruit", data_file=tmp_path / "own.txt").folder)
    assert dataset.class_names == ("0", "1", "2")


def test_fractions_from_minus_1_are_pixels_and_labels_stay_labels(tmp_path: Path) -> None:
    pixels, names = shapes(30)
    numbers = np.unique(names, return_inverse=True)[1]
    scaled = np.round(pixels.reshape(30, -1) / 127.5 - 1, 6)
    np.savetxt(tmp_path / "own.csv", np.column_stack([numbers, scaled]), "%g", delimiter=",")
    dataset = open_cached(prepare("fruit", data_file=tmp_path / "own.csv").folder)
    known = {image.tobytes() for image in pixels}
    assert {image.tobytes() for image in dataset.test.images} <= known
    assert dataset.reading[1] == "pixels run from -1 to 1; they were brought to 0 to 255"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["label", "pixel0", "pixel1", "pixel2"], True),
        (["", "label", "0", "1", "2"], True),
        (["0", "1", "2", "label", "id"], True),
        (["label", "0.0", "0.1", "1.0", "1.1"], True),  # by row and column
        (["y", "0", "7", "255"], False),  # the letter
        (["cat", "0", "255", "3"], False),
        (["cat", "0", "?", "0", "0", "7"], False),  # a missing pixel is an error, not a header
        (["3", "0", "0", "0"], False),
    ],
)
def test_a_header_is_told_from_an_image(fields: list[str], expected: bool) -> None:
    assert is_header(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["5", "0", "0.1", "0.2", "255", "0.3"], True),
        (["A", "0", "0.1", "3", "0.2", "0.3"], True),
        (["Unnamed: 0", "A", "0", "0.1", "0.2", "0.3"], True),
        (["5", "0", "0.1", "0.3"], False),  # fractions
        (["0.5", "0.25", "0", "1"], False),
        (["pixel", "pixel.1", "pixel.2", "pixel.3", "pixel.4"], False),
        (["1", "2", "3"], False),
    ],
)
def test_an_image_renamed_by_pandas_is_told_from_fractions(
    fields: list[str], expected: bool
) -> None:
    assert is_renamed_image(fields) == expected
