"""Files that would take all memory or never end: each is an error, in moments and small."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from datasets import DataError, formats, open_cached, pictures, prepare
from datasets.own import table
from tests.data_files import idx
from tests.imports import ROOT
from tests.own_files import shapes, write_folder, write_npz

MEGABYTE = bytes(1 << 20)
MOST_MB = 600  # of a whole process, where a bomb would make thousands

READ = """
import sys
from pathlib import Path
from bench.machine.hardware import peak_process_memory_bytes
from datasets import DataError, prepare
try:
    prepare("fruit", data_file=Path(sys.argv[1]))
except DataError as error:
    print(error)
print(peak_process_memory_bytes() >> 20)
"""


def idx_header(*sizes: int) -> bytes:
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes)


def npy_header(*shape: int, kind: str = "|u1") -> bytes:
    content = io.BytesIO()
    described = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, described)
    return content.getvalue()


def write_gzip(path: Path, begin: bytes, block: bytes, times: int) -> Path:
    path.write_bytes(gzip.compress(begin) + times * gzip.compress(block))
    return path


def gzip_of_images(folder: Path) -> Path:
    (folder / "labels-idx1-ubyte").write_bytes(idx(np.zeros(9, np.uint8)))
    begin = idx_header(4_000_000, 28, 28)
    return write_gzip(folder / "images-idx3-ubyte.gz", begin, MEGABYTE, 1500)


def gzip_of_rows(folder: Path) -> Path:
    row = b"a" + 784 * b",0" + b"\n"
    return write_gzip(folder / "own.csv.gz", b"", 700 * row, 1500)


def zip_of_rows(folder: Path) -> Path:
    path = folder / "own.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("own.csv", "w", force_zip64=True) as file,
    ):
        for _ in range(250):
            file.write(700 * (b"a" + 784 * b",0" + b"\n"))
    return path


def npz_of_zeros(folder: Path) -> Path:
    path = folder / "own.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as file:
            file.write(npy_header(1000, 1024, 1024))
            for _ in range(1000):
                file.write(MEGABYTE)
        with archive.open("y.npy", "w") as file:
            np.lib.format.write_array(file, np.zeros(1000, np.uint8))
    return path


def mat_of_zeros(folder: Path) -> Path:
    path = folder / "own.mat"
    savemat(path, {"x": np.zeros(3)})
    packing = zlib.compressobj(1)
    packed = packing.compress(struct.pack("<II", 14, 0xFFFFFF00))
    packed += b"".join(packing.compress(MEGABYTE) for _ in range(1000)) + packing.flush()
    tag = struct.pack("<II", 15, len(packed))
    path.write_bytes(path.read_bytes()[:128] + tag + packed)
    return path


def line_without_end(folder: Path) -> Path:
    return write_gzip(folder / "own.csv.gz", b"", (1 << 18) * b"12,3", 1500)


def second_line_without_end(folder: Path) -> Path:
    begin = b"a" + 784 * b",0" + b"\n"
    return write_gzip(folder / "own.csv.gz", begin, (1 << 18) * b"12,3", 1500)


def sparse(folder: Path) -> Path:
    path = folder / "own.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


BOMBS: list[tuple[Callable[[Path], Path], str]] = [
    (gzip_of_images, "unpacks into more than 200 times its size"),
    (gzip_of_rows, "unpacks into more than 200 times its size"),
    (zip_of_rows, "unpacks into more than 200 times its size"),
    (npz_of_zeros, "unpacks into more than 200 times its size"),
    (mat_of_zeros, "unpacks into more than 200 times its size"),
    (line_without_end, "a line of more than 8 MB; wanted a line for each image"),
    (second_line_without_end, "a line of more than 8 MB; wanted a line for each image"),
    (sparse, "holds more than 4.3 GB, the most that is read"),
]


@pytest.mark.parametrize(("write", "message"), BOMBS, ids=[bomb.__name__ for bomb, _ in BOMBS])
def test_what_unpacks_into_gigabytes_is_refused_before_it_has(
    write: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", READ, str(write(tmp_path))]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    sentence, megabytes = done.stdout.splitlines()
    assert message in sentence
    assert int(megabytes) < MOST_MB


def test_an_array_that_promises_more_than_it_holds_gets_no_room(tmp_path: Path) -> None:
    lie = npy_header(1 << 40, 28, 28, kind="<f8") + bytes(99)
    path = tmp_path / "own.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", lie)
        archive.writestr("y.npy", npy_header(9) + bytes(9))
    with pytest.raises(DataError, match=r"x\.npy: 227 bytes, where its header promises 6,8"):
        prepare("fruit", data_file=path)
    (tmp_path / "x.npy").write_bytes(lie)
    (tmp_path / "y.npy").write_bytes(npy_header(9) + bytes(9))
    with pytest.raises(DataError, match=r"x\.npy: 227 bytes, where its header promises 6,8"):
        prepare("fruit", data_file=tmp_path / "x.npy")


def test_an_idx_file_that_goes_on_and_on_is_left_where_it_should_end(tmp_path: Path) -> None:
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx(np.zeros(9, np.uint8)))
    images = tmp_path / "images-idx3-ubyte"
    images.write_bytes(idx_header(9, 4, 4) + 3 * MEGABYTE)
    with pytest.raises(DataError, match="goes on after byte 160, where by its header it ends"):
        prepare("fruit", data_file=images)
    images.write_bytes(idx_header(1 << 31, 1 << 31, 1 << 31))
    with pytest.raises(DataError, match=r"holds more than 4\.3 GB"):
        prepare("fruit", data_file=images)


def test_a_million_classes_are_counted_and_refused(tmp_path: Path) -> None:
    pixels = np.zeros((1_000_000, 4, 4), np.uint8)
    file = write_npz(tmp_path, x=pixels, y=np.arange(1_000_000))
    with pytest.raises(DataError, match=r"1,000,000 classes \(0, 1, 10, 100, 1000, \.\.\.\)"):
        prepare("fruit", data_file=file)
    file = write_npz(tmp_path, x=np.zeros((1_000_001, 4), np.uint8), y=np.zeros(1_000_001))
    with pytest.raises(DataError, match="1,000,001 images; 1,000,000 are the most that are read"):
        prepare("fruit", data_file=file)


def test_more_rows_than_are_read_end_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MOST_IMAGES", 20)
    monkeypatch.setattr(table, "_CHUNK_VALUES", 7 * 17)
    (tmp_path / "own.csv").write_text(30 * ("a" + 16 * ",0" + "\n"))
    with pytest.raises(DataError, match="more than 20 images, the most that are read"):
        prepare("fruit", data_file=tmp_path / "own.csv")


def test_a_label_as_long_as_a_book_is_named_by_its_beginning(tmp_path: Path) -> None:
    rows = [f"{name}{16 * ',0'}" for name in ("a", "b", "c" * 5000)]
    (tmp_path / "own.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"row 3, column 1: a field of 5,000 characters, 'cccc"):
        prepare("fruit", data_file=tmp_path / "own.csv")


def test_real_images_stay_far_from_the_bounds(tmp_path: Path) -> None:
    pixels, names = shapes(600)
    np.savez_compressed(tmp_path / "own.npz", x=pixels.astype(np.float64), y=names)
    with zipfile.ZipFile(tmp_path / "own.npz") as archive:
        info = archive.getinfo("x.npy")
        assert info.file_size < formats.MOST_TIMES * info.compress_size


# What is no file


@pytest.mark.skipif(os.name == "nt", reason="no pipes among Windows's files")
def test_a_pipe_or_a_device_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        for read in (lambda p: prepare("fruit", data_file=p), pictures.read, formats.read_file):
            with pytest.raises(DataError, match="this is a pipe, a device or a socket; wanted a"):
                read(path)


@pytest.mark.skipif(os.name == "nt", reason="no pipes among Windows's files")
def test_a_pipe_among_the_images_of_a_class_is_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path, 4, names=("a", "b"))
    os.mkfifo(tmp_path / "a" / "pipe.png")
    sentence = open_cached(prepare("fruit", data_file=tmp_path).folder).reading[0]
    assert sentence == f"left out, as no image of a class: 1 file ({Path('a', 'pipe.png')})"


# Pictures


def png(width: int, height: int) -> bytes:
    """A PNG whose header says so, with the pixels of one."""
    content = io.BytesIO()
    Image.new("L", (8, 8)).save(content, "PNG")
    whole = bytearray(content.getvalue())
    whole[16:24] = struct.pack(">II", width, height)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return bytes(whole)


@pytest.mark.parametrize(("width", "height"), [(17_000, 10_000), (60_000, 60_000), (64_001, 1_000)])
def test_a_picture_of_more_pixels_than_any_is_refused_by_its_header(
    width: int, height: int, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(width, height))
    with pytest.raises(DataError, match="64 million pixels are the most that are read: save it"):
        pictures.read(tmp_path / "a.png")


def test_a_picture_file_of_gigabytes_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.webp").open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBPVP8 ")
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"a\.webp: more than 512 MB"):
        pictures.read(tmp_path / "a.webp")


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_large_picture_is_shrunk_and_stays_what_it_shows(ending: str, tmp_path: Path) -> None:
    large = Image.new("RGB", (5000, 4000), (255, 255, 255))
    large.paste((0, 0, 0), (1000, 1000, 2000, 3000))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    large.save(tmp_path / f"a{ending}", exif=exif)
    brightness = pictures.read(tmp_path / f"a{ending}")
    assert brightness.shape == (2000, 2500)
    upright = brightness[::-1, ::-1]
    assert upright[600:1400, 550:950].max() < 0.02
    assert upright[:450].min() > 0.98
    assert brightness.dtype == np.float32
