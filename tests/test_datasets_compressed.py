"""Files plain, in gzip and in zip; and those cut short, damaged or empty."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.compressed import BLOCK_BYTES, read, read_blocks
from datasets.errors import DataError
from datasets.progress import Stage
from tests.data_files import unhurried

CONTENT = np.random.default_rng(0).integers(0, 256, BLOCK_BYTES + 1000, dtype=np.uint8).tobytes()


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["file", "file.gz", "file.zip"])  # the name says nothing
def test_plain_gzip_and_zip_are_told_apart_by_their_first_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for write in (path.write_bytes, lambda c: path.write_bytes(gzip.compress(c))):
        write(CONTENT)
        assert read(path) == CONTENT
    assert read(zipped(path, **{"some.csv": CONTENT})) == CONTENT


def test_blocks_are_small_and_progress_ends_at_the_size_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(CONTENT))
    seen: list[tuple[Stage, int]] = []
    blocks = list(read_blocks(path, progress=lambda stage, done: seen.append((stage, done))))
    assert max(map(len, blocks)) <= BLOCK_BYTES
    assert seen[-1] == (
        Stage(name="reading file.gz", total=path.stat().st_size, unit="B"),
        path.stat().st_size,
    )


def test_a_truncated_gzip_names_the_file_and_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(CONTENT)[:200_000])
    said = complaint(path)
    assert said.startswith(f"{path}: the compressed data is truncated or corrupt at byte 200,000")
    assert "of 200,000" in said


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
    assert read(zipped(tmp_path / "one.zip", **members)) == b"1"
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
        harmless = read(path) == SMALL
    except DataError as error:
        harmless = str(path) in str(error)
    assert harmless
