"""Files plain, in gzip and in zip, and those cut short, damaged or empty; and IDX."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets.formats import BLOCK_BYTES, parse_images, parse_labels, read_blocks, read_file
from datasets.tasks import DataError, Stage
from tests.data_files import Bytes, idx, images, unhurried

CONTENT = np.random.default_rng(0).integers(0, 256, BLOCK_BYTES + 1000, dtype=np.uint8).tobytes()


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_file(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["file", "file.gz", "file.zip"])  # the name says nothing
def test_plain_gzip_and_zip_are_told_apart_by_their_first_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for write in (path.write_bytes, lambda c: path.write_bytes(gzip.compress(c))):
        write(CONTENT)
        assert read_file(path) == CONTENT
    assert read_file(zipped(path, **{"some.csv": CONTENT})) == CONTENT


def test_blocks_are_small_and_progress_ends_at_the_size_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(CONTENT))
    reported: list[tuple[Stage, int]] = []
    blocks = list(read_blocks(path, progress=lambda stage, done: reported.append((stage, done))))
    assert max(map(len, blocks)) <= BLOCK_BYTES
    assert reported[-1] == (
        Stage(name="reading file.gz", total=path.stat().st_size, unit="B"),
        path.stat().st_size,
    )


def test_a_truncated_gzip_names_the_file_and_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(CONTENT)[:200_000])
    message = complaint(path)
    assert message.startswith(
        f"{path}: the compressed data is truncated or corrupt at byte 200,000"
    )
    assert "of 200,000" in message


def test_a_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    content = bytearray(gzip.compress(CONTENT))
    content[-6] ^= 1  # in the checksum at the end
    path.write_bytes(content)
    assert "CRC" in complaint(path)


def test_a_truncated_zip_is_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "file.zip", **{"some.csv": CONTENT})
    path.write_bytes(path.read_bytes()[:-50])
    assert "truncated or corrupt" in complaint(path)


def test_an_encrypted_zip_is_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "file.zip", **{"some.csv": CONTENT})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag in the member's header, and in the directory
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in complaint(path)


def test_a_zip_must_hold_one_csv_and_shadows_of_macos_do_not_count(tmp_path: Path) -> None:
    members = {"a.csv": b"1", "__MACOSX/._a.csv": b"2", "readme.txt": b"3"}
    assert read_file(zipped(tmp_path / "one.zip", **members)) == b"1"
    assert "holds 2 CSV files (a.csv, b.csv)" in complaint(
        zipped(tmp_path / "two.zip", **{"a.csv": b"1", "b.csv": b"2"})
    )
    assert "holds 0 CSV files (none)" in complaint(zipped(tmp_path / "no.zip", **{"a.txt": b"1"}))


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert complaint(path).startswith(f"{path}: the file is empty (0 bytes)")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert "No such file" in complaint(tmp_path / "file")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    path.chmod(0)
    assert "Permission denied" in complaint(path)


SMALL = b"0,1,2,3\n" * 30


@unhurried
@given(st.sampled_from(["gzip", "zip"]), st.data())
def test_changed_bytes_are_a_data_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("mutated") / "file"
    if kind == "gzip":
        path.write_bytes(gzip.compress(SMALL))
    else:
        zipped(path, **{"some.csv": SMALL})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(2, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        harmless = read_file(path) == SMALL
    except DataError as error:
        harmless = str(path) in str(error)
    assert harmless


# The IDX parser: what it accepts, and where it says an error is.


some_images = arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(28), st.just(28)))
some_labels = arrays(np.uint8, st.integers(1, 50), elements=st.integers(0, 9))


def complaint_on_images(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        parse_images(content, name="folder/file")
    return str(caught.value)


def complaint_on_labels(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        parse_labels(content, classes=10, name="folder/file")
    return str(caught.value)


@unhurried
@given(some_images)
def test_images_survive_the_round_trip(pixels: Bytes) -> None:
    parsed = parse_images(idx(pixels), name="file")
    assert parsed.dtype == np.uint8
    assert np.array_equal(parsed, pixels)


@unhurried
@given(some_labels)
def test_labels_survive_the_round_trip(labels: Bytes) -> None:
    parsed = parse_labels(idx(labels), classes=10, name="file")
    assert parsed.dtype == np.uint8
    assert np.array_equal(parsed, labels)


@unhurried
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_parsed_or_end_in_a_data_error(content: bytes, with_header: bool) -> None:
    content = b"\x00\x00\x08\x01" * with_header + content
    try:
        parsed = parse_labels(content, classes=10, name="file")
    except DataError as error:
        message = str(error)
    else:
        message = "file: is as it was" if idx(parsed) == content else "changed"
    assert message.startswith("file: ")


@unhurried
@given(some_images, st.data())
def test_one_changed_byte_is_an_error_or_another_pixel(pixels: Bytes, data: st.DataObject) -> None:
    content = bytearray(idx(pixels))
    offset = data.draw(st.integers(0, len(content) - 1))
    content[offset] = data.draw(st.integers(0, 255))
    try:
        parsed = parse_images(bytes(content), name="file")
    except DataError:
        assert offset < 16  # in the header
    else:
        assert idx(parsed) == bytes(content)


@unhurried
@given(some_images, st.data())
def test_a_file_cut_anywhere_is_an_error(pixels: Bytes, data: st.DataObject) -> None:
    content = idx(pixels)
    cut = data.draw(st.integers(0, len(content) - 1))
    assert f"ends at byte {cut:,}" in complaint_on_images(content[:cut])


def test_a_wrong_magic_number_is_shown_beside_the_right_one() -> None:
    pixels, labels = images(3, classes=10)
    message = complaint_on_images(idx(labels) + bytes(20))
    assert message.startswith("folder/file: magic number 0x00000801 at byte 0, wanted 0x00000803")
    assert "0x00000803 at byte 0, wanted 0x00000801" in complaint_on_labels(idx(pixels))


def test_images_of_another_size_are_refused() -> None:
    message = complaint_on_images(idx(np.zeros((5, 32, 28), np.uint8)))
    assert message == "folder/file: images of 32×28 at byte 8, wanted 28×28"


def test_bytes_after_the_last_value_are_refused() -> None:
    _, labels = images(7, classes=10)
    message = complaint_on_labels(idx(labels) + b"\x00")
    assert message.startswith("folder/file: ends at byte 16, wanted 15")


def test_a_file_with_no_values_is_refused() -> None:
    assert "none is too few" in complaint_on_labels(idx(np.zeros(0, np.uint8)))


def test_a_label_that_is_no_digit_is_named_with_its_byte() -> None:
    message = complaint_on_labels(idx(np.array([3, 1, 10, 4], np.uint8)))
    assert message == "folder/file: label 10 at byte 10, wanted 0 to 9"
