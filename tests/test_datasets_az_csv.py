"""The parser of the letters' CSV: what it accepts, and where it says an error is."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets.az_csv import COLUMNS, parse, parse_slowly, read, whole_lines
from datasets.compressed import BLOCK_BYTES
from datasets.errors import DataError
from tests.data_files import Bytes, csv, images, unhurried

ROW = b",".join([b"7", *[b"0"] * 784]) + b"\n"
some_images = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(28), st.just(28)))


def complaint(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value).removeprefix(str(path))


def field(row: bytes, column: int, value: bytes) -> bytes:
    """The row with another value in a column, counted from 1."""
    fields = row.rstrip(b"\n").split(b",")
    fields[column - 1] = value
    return b",".join(fields) + b"\n"


def slow_look(text: bytes) -> Bytes | str:
    """The rows, or the complaint."""
    try:
        return parse_slowly(text, name="file", first_row=1)
    except DataError as error:
        return str(error)


@unhurried
@given(some_images, st.integers(0, 25))
def test_images_and_labels_survive_the_round_trip(pixels: Bytes, label: int) -> None:
    labels = np.full(len(pixels), label, np.uint8)
    table = parse(csv(pixels, labels))
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
        place = data.draw(st.integers(0, len(text) - 2))
        change = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        byte = data.draw(st.sampled_from(b"0123456789,\n\r -.x\xff"))
        text[place : place + (change != "insert")] = [] if change == "delete" else [byte]
    fast, slow = parse(bytes(text)), slow_look(bytes(text))
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
    assert parse(text + b"\n") is None
    with pytest.raises(DataError):
        parse_slowly(text + b"\n", name="file", first_row=1)


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
        found_images, found_labels = read(tmp_path / name)
        assert np.array_equal(found_images, pixels)
        assert np.array_equal(found_labels, labels)
        assert found_images.flags.c_contiguous


def test_crlf_and_a_missing_last_line_end_are_accepted(tmp_path: Path) -> None:
    pixels, labels = images(5, classes=26)
    path = tmp_path / "some.csv"
    path.write_bytes(csv(pixels, labels).replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert np.array_equal(read(path)[0], pixels)


def test_a_header_is_named_as_what_it_probably_is(tmp_path: Path) -> None:
    header = b",".join(b"pixel%d" % i for i in range(COLUMNS)) + b"\n"
    said = complaint(tmp_path, header + ROW)
    assert said.startswith(
        ": row 1, column 1: 'pixel0' is not a label, a whole number from 0 to 25"
    )
    assert "header" in said


@pytest.mark.parametrize(("columns", "row"), [(784, ROW[2:]), (786, b"1," + ROW), (1, b"\n")])
def test_a_row_of_another_width_is_named(tmp_path: Path, columns: int, row: bytes) -> None:
    said = complaint(tmp_path, ROW * 4 + row + ROW)
    assert said.startswith(f": row 5 has {columns} column")
    assert said.endswith("wanted 785: a label and 784 pixels")


@pytest.mark.parametrize("value", [b"256", b"999", b"-1", b"1.0", b"x", b"", b" 1", b"1000"])
def test_a_pixel_out_of_range_or_no_number_is_named(tmp_path: Path, value: bytes) -> None:
    said = complaint(tmp_path, ROW * 2 + field(ROW, 400, value))
    assert said.startswith(f": row 3, column 400: {value.decode()!r} is not a pixel")
    assert said.endswith("a whole number from 0 to 255")


@pytest.mark.parametrize("value", [b"26", b"255", b"A"])
def test_a_label_beyond_z_is_named(tmp_path: Path, value: bytes) -> None:
    said = complaint(tmp_path, ROW + field(ROW, 1, value))
    assert said.startswith(f": row 2, column 1: {value.decode()!r} is not a label")


def test_the_row_is_right_far_down_in_the_file(tmp_path: Path) -> None:
    wide = ROW.replace(b"0", b"123")
    rows = 2 * BLOCK_BYTES // len(wide)
    said = complaint(tmp_path, wide * rows + field(ROW, 785, b"?"))
    assert said.startswith(f": row {rows + 1}, column 785: '?'")


def test_a_file_with_no_rows_is_refused(tmp_path: Path) -> None:
    assert "no rows" in complaint(tmp_path, gzip.compress(b""))
    assert "empty" in complaint(tmp_path, b"")


def test_a_long_file_with_no_line_end_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, bytes(3 * BLOCK_BYTES)).startswith(": row 1 has 1 column")
