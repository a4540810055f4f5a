"""The A-Z letters: finding the file, telling the whole set from the sample, parsing the CSV."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets import letters
from datasets.formats import BLOCK_BYTES
from datasets.letters import COLUMNS, parse_rows, parse_rows_slowly, read_csv, whole_lines
from datasets.tasks import DataError, Unreachable, silent
from tests.data_files import Bytes, csv, images, unhurried

REAL = os.environ.get("GLYPHBENCH_DATA")
needs_sample = pytest.mark.skipif(
    not REAL or not letters.find("az-sample", Path(REAL)), reason="no sample in GLYPHBENCH_DATA"
)


def complaint(source: str, path: Path) -> str:
    with pytest.raises(DataError) as caught:
        letters.load(source, (path,), silent)
    return str(caught.value)


@pytest.mark.parametrize("subfolder", letters.SUBFOLDERS)
@pytest.mark.parametrize("source", ["az", "az-sample"])
def test_the_file_is_found_in_every_usual_place(
    source: str, subfolder: str, tmp_path: Path
) -> None:
    path = tmp_path / subfolder / letters.NAMES[source][0]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"0")
    assert letters.find(source, tmp_path) == (path,)
    assert letters.find("az-sample" if source == "az" else "az", tmp_path) == ()


@pytest.mark.parametrize("name", letters.NAMES["az"][1:4])
def test_packed_files_are_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"0")
    assert letters.find("az", tmp_path) == (tmp_path / name,)


def test_an_archive_of_kaggle_is_taken_only_with_the_letters_in_it(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    for member, files in (("A_Z Handwritten Data.csv", (path,)), ("iris.csv", ())):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, b"0")
        assert letters.find("az", tmp_path) == files


def test_a_part_of_the_whole_set_is_refused_by_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "A_Z Handwritten Data.csv"
    path.write_bytes(csv(*images(52, classes=26)))
    assert complaint("az", path).startswith(f"{path}: 52 rows, wanted the 372,450")


def test_another_sample_is_refused_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "az_sample.csv"
    path.write_bytes(csv(*images(52, classes=26)))
    message = complaint("az-sample", path)
    assert "52 well-formed rows, but not the 5,934 of the sample" in message
    assert letters.SAMPLE_SHA256 in message


def test_a_whole_set_is_split_with_its_duplicates_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, labels = images(520, classes=26)
    pixels[500:] = pixels[474:494]  # of the same classes
    monkeypatch.setattr(letters, "FULL_ROWS", 520)
    path = tmp_path / "A_Z Handwritten Data.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A_Z Handwritten Data.csv", csv(pixels, labels))
    collection = letters.load("az", letters.find("az", tmp_path), silent)
    assert (collection.duplicates_removed, collection.conflicting_labels) == (20, 0)
    assert len(collection.train) + len(collection.validation) + len(collection.test) == 500


def test_the_whole_set_is_not_fetched_unasked(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="python -m bench data --fetch letters"):
        letters.fetch("az", tmp_path, asked=False, progress=silent)


def test_the_sample_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"only a file, az_sample\.csv\.gz"):
        letters.fetch("az-sample", tmp_path, asked=True, progress=silent)


@needs_sample
def test_the_sample_has_the_rows_that_results_are_quoted_on() -> None:
    collection = letters.load("az-sample", letters.find("az-sample", Path(str(REAL))), silent)
    sizes = [len(collection.train), len(collection.validation), len(collection.test)]
    assert sizes == [4748, 593, 593]
    assert collection.duplicates_removed == 0
    counts = np.bincount(collection.labels)
    assert (counts[14], counts[18], counts[11]) == (1094, 841, 163)  # O, S, L


# The parser of the CSV


ROW = b",".join([b"7", *[b"0"] * 784]) + b"\n"
some_images = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(28), st.just(28)))


def csv_complaint(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    return str(caught.value).removeprefix(str(path))


def field(row: bytes, column: int, value: bytes) -> bytes:
    """The row with another value in a column, counted from 1."""
    fields = row.rstrip(b"\n").split(b",")
    fields[column - 1] = value
    return b",".join(fields) + b"\n"


def slow_look(text: bytes) -> Bytes | str:
    """The rows, or the complaint."""
    try:
        return parse_rows_slowly(text, name="file", first_row=1)
    except DataError as error:
        return str(error)


@unhurried
@given(some_images, st.integers(0, 25))
def test_images_and_labels_survive_the_round_trip(pixels: Bytes, label: int) -> None:
    labels = np.full(len(pixels), label, np.uint8)
    table = parse_rows(csv(pixels, labels))
    assert table is not None
    assert table.dtype == np.uint8
    assert np.array_equal(table[:, 0], labels)
    assert np.array_equal(table[:, 1:].reshape(-1, 28, 28), pixels)


@unhurried
@given(st.data())
def test_changed_bytes_are_told_alike_by_the_fast_and_the_slow_look(data: st.DataObject) -> None:
    pixels, labels = images(2, classes=26)
    text = bytearray(csv(pixels, labels))
    for _ in range(data.draw(st.integers(1, 3))):
        offset = data.draw(st.integers(0, len(text) - 2))
        change = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        byte = data.draw(st.sampled_from(b"0123456789,\n\r -.x\xff"))
        text[offset : offset + (change != "insert")] = [] if change == "delete" else [byte]
    fast, slow = parse_rows(bytes(text)), slow_look(bytes(text))
    if isinstance(slow, str):
        assert fast is None
        assert slow.startswith("file: row ")
    else:
        assert fast is not None
        assert np.array_equal(fast, slow)


@unhurried
@given(st.binary(max_size=40))
@example(b"")
@example(b",")
def test_any_bytes_are_refused_without_a_crash(text: bytes) -> None:
    assert parse_rows(text + b"\n") is None
    with pytest.raises(DataError):
        parse_rows_slowly(text + b"\n", name="file", first_row=1)


@unhurried
@given(st.binary(max_size=60), st.integers(1, 9))
def test_lines_are_whole_however_the_blocks_are_cut(text: bytes, size: int) -> None:
    pieces = list(whole_lines(text[i : i + size] for i in range(0, len(text), size)))
    whole = text if text.endswith(b"\n") or not text else text + b"\n"
    assert b"".join(pieces) == whole.replace(b"\r\n", b"\n")
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_a_file_of_several_blocks_is_read_in_order(tmp_path: Path) -> None:
    pixels, labels = images(600, classes=26)
    content = csv(pixels, labels)
    assert len(content) > 2 * BLOCK_BYTES
    for name, stored in (("a.csv", content), ("a.csv.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(stored)
        found_images, found_labels = read_csv(tmp_path / name)
        assert np.array_equal(found_images, pixels)
        assert np.array_equal(found_labels, labels)
        assert found_images.flags.c_contiguous


def test_crlf_and_a_missing_last_line_end_are_accepted(tmp_path: Path) -> None:
    pixels, labels = images(5, classes=26)
    path = tmp_path / "some.csv"
    path.write_bytes(csv(pixels, labels).replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert np.array_equal(read_csv(path)[0], pixels)


def test_a_header_is_named_as_what_it_probably_is(tmp_path: Path) -> None:
    header = b",".join(b"pixel%d" % i for i in range(COLUMNS)) + b"\n"
    message = csv_complaint(tmp_path, header + ROW)
    assert message.startswith(
        ": row 1, column 1: 'pixel0' is not a label, a whole number from 0 to 25"
    )
    assert "header" in message


@pytest.mark.parametrize(("columns", "row"), [(784, ROW[2:]), (786, b"1," + ROW), (1, b"\n")])
def test_a_row_of_another_width_is_named(tmp_path: Path, columns: int, row: bytes) -> None:
    message = csv_complaint(tmp_path, ROW * 4 + row + ROW)
    assert message.startswith(f": row 5 has {columns} column")
    assert message.endswith("wanted 785: a label and 784 pixels")


@pytest.mark.parametrize("value", [b"256", b"999", b"-1", b"1.0", b"x", b"", b" 1", b"1000"])
def test_a_pixel_out_of_range_or_no_number_is_named(tmp_path: Path, value: bytes) -> None:
    message = csv_complaint(tmp_path, ROW * 2 + field(ROW, 400, value))
    assert message.startswith(f": row 3, column 400: {value.decode()!r} is not a pixel")
    assert message.endswith("a whole number from 0 to 255")


@pytest.mark.parametrize("value", [b"26", b"255", b"A"])
def test_a_label_beyond_z_is_named(tmp_path: Path, value: bytes) -> None:
    message = csv_complaint(tmp_path, ROW + field(ROW, 1, value))
    assert message.startswith(f": row 2, column 1: {value.decode()!r} is not a label")


def test_the_row_is_right_far_down_in_the_file(tmp_path: Path) -> None:
    wide = ROW.replace(b"0", b"123")
    rows = 2 * BLOCK_BYTES // len(wide)
    message = csv_complaint(tmp_path, wide * rows + field(ROW, 785, b"?"))
    assert message.startswith(f": row {rows + 1}, column 785: '?'")


def test_a_file_with_no_rows_is_refused(tmp_path: Path) -> None:
    assert "no rows" in csv_complaint(tmp_path, gzip.compress(b""))
    assert "empty" in csv_complaint(tmp_path, b"")


def test_a_long_file_with_no_line_end_is_refused(tmp_path: Path) -> None:
    assert csv_complaint(tmp_path, bytes(3 * BLOCK_BYTES)).startswith(": row 1 has 1 column")
