"""Whatever a file holds, it is a data set or a DataError: never another exception.

Well-formed files are changed at random, bytes and fields, and read the whole way.
``pytest --hypothesis-profile thorough tests/datasets/test_fuzz.py`` tries thousands.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from datasets import DataError, cache, mnist_form, pictures
from datasets.own import find, load, task
from datasets.splits import Collection
from datasets.tasks import silent
from tests.data_files import idx
from tests.own_files import SHAPES, shapes

PIXELS, NAMES = shapes(12, side=8)
NUMBERS = np.array([SHAPES.index(name) for name in NAMES], np.uint8)


def npz_file() -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, x=PIXELS, y=NAMES)
    return content.getvalue()


def mat_file() -> bytes:
    content = io.BytesIO()
    savemat(content, {"X": PIXELS, "y": NUMBERS}, do_compression=True)
    return content.getvalue()


def csv_file() -> bytes:
    rows = [
        ",".join([name, *map(str, pixels.flat)]) for name, pixels in zip(NAMES, PIXELS, strict=True)
    ]
    return "\n".join(rows).encode()


def zip_file() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("own.csv", csv_file())
    return content.getvalue()


def npy_file() -> bytes:
    content = io.BytesIO()
    np.save(content, PIXELS)
    return content.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "own.npz": npz_file,
    "own.mat": mat_file,
    "own.csv": csv_file,
    "own.csv.gz": lambda: gzip.compress(csv_file()),
    "own.zip": zip_file,
    "X.npy": npy_file,
    "own-images-idx3-ubyte": lambda: idx(PIXELS),
    "own-images-idx3-ubyte.gz": lambda: gzip.compress(idx(PIXELS)),
}


@st.composite
def changed(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes of it are others, or it is cut, or a piece is there twice."""
    mutated = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        mutated[draw(st.integers(0, len(mutated) - 1))] = draw(st.integers(0, 255))
    begin = draw(st.integers(0, len(mutated)))
    what = draw(st.sampled_from(("nothing", "cut", "twice", "inserted")))
    if what == "cut":
        del mutated[begin:]
    elif what == "twice":
        mutated[begin:begin] = mutated[: draw(st.integers(0, len(mutated)))]
    elif what == "inserted":
        mutated[begin:begin] = draw(st.binary(max_size=30))
    return bytes(mutated)


def read(path: Path) -> Collection | None:
    """The data set of a file; None where a DataError says why there is none."""
    fruit = task("fruit")
    message = ""
    try:
        return load(fruit, find(path), silent)
    except DataError as error:
        message = str(error)
    assert message.isprintable()
    return None


def check(collection: Collection | None) -> None:
    """What can be read can be cached: images, labels and classes fit together."""
    if collection is None:
        return
    assert collection.images.shape[1:] == (28, 28)
    assert collection.images.dtype == collection.labels.dtype == np.uint8
    assert len(collection.images) == len(collection.labels)
    names = collection.class_names or ()
    assert int(collection.labels.max()) < len(names)
    assert all(name.isprintable() and name for name in names)
    assert all(sentence.isprintable() for sentence in collection.reading)
    assert min(map(len, (collection.train, collection.validation, collection.test))) > 0


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_a_changed_file_is_a_data_set_or_a_data_error(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    (tmp_path / "own-labels-idx1-ubyte").write_bytes(idx(NUMBERS))
    np.save(tmp_path / "y.npy", NUMBERS)
    (tmp_path / name).write_bytes(data.draw(changed(FILES[name]())))
    check(read(tmp_path / name))


def test_unchanged_they_are_all_data_sets(tmp_path: Path) -> None:
    (tmp_path / "own-labels-idx1-ubyte").write_bytes(idx(NUMBERS))
    np.save(tmp_path / "y.npy", NUMBERS)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content())
        assert read(tmp_path / name) is not None


# Tables and arrays of odd content

fields = st.one_of(
    st.integers(-2, 300).map(str),
    st.floats().map(str),
    st.sampled_from(("", "nan", "inf", "0x1", '"', "'", "label", "1e999", "-0", "ä", "\x00", "#")),
    st.text(max_size=4),
)


@given(
    rows=st.lists(st.lists(fields, min_size=17, max_size=18), min_size=1, max_size=6),
    separator=st.sampled_from(",;\t |"),
    times=st.integers(1, 4),
)
def test_odd_fields_are_a_data_set_or_a_data_error(
    tmp_path: Path, rows: list[list[str]], separator: str, times: int
) -> None:
    lines = "\n".join(separator.join(row) for row in rows * times)
    (tmp_path / "own.csv").write_bytes(lines.encode("utf-8", "surrogatepass"))
    check(read(tmp_path / "own.csv"))


@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_data_set_or_a_data_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own").write_bytes(content)
    check(read(tmp_path / "own"))


@given(
    images=arrays(scalar_dtypes(), array_shapes(min_dims=0, max_dims=5, max_side=9)),
    labels=arrays(scalar_dtypes(), array_shapes(min_dims=0, max_dims=2, max_side=9)),
)
def test_odd_arrays_are_a_data_set_or_a_data_error(
    tmp_path: Path,
    images: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    np.savez(tmp_path / "own.npz", x=images, y=labels)
    check(read(tmp_path / "own.npz"))


@given(
    labels=arrays(st.one_of(st.just(np.dtype("U5")), scalar_dtypes()), st.just((18,))),
)
def test_odd_labels_are_a_data_set_or_a_data_error(
    tmp_path: Path,
    labels: NDArray[Any],
) -> None:
    np.savez(tmp_path / "own.npz", x=shapes(18)[0], y=labels)
    check(read(tmp_path / "own.npz"))


# Pictures


@pytest.mark.parametrize("form", pictures.FORMATS)
@given(data=st.data())
def test_a_changed_picture_is_read_or_a_data_error(
    form: str, tmp_path: Path, data: st.DataObject
) -> None:
    content = io.BytesIO()
    Image.fromarray(shapes(1, side=40)[0][0]).save(content, form)
    path = tmp_path / "a.png"
    path.write_bytes(data.draw(changed(content.getvalue())))
    try:
        prepared = mnist_form.prepare(path)
    except DataError:
        return
    assert prepared.shape == (28, 28)
    assert prepared.dtype == np.uint8


@example(brightness=np.array([[3e-45] + [0] * 7], np.float32))  # no histogram has such bins
@given(
    brightness=arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.floats(0, 1, width=32),
    )
)
def test_any_brightness_has_ink_or_a_data_error(brightness: pictures.Grey) -> None:
    try:
        prepared = mnist_form.normalised(brightness, "mnist")
    except DataError:
        return
    assert prepared.max() == 255


def test_what_comes_out_can_be_cached(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_bytes(csv_file())
    collection = read(tmp_path / "own.csv")
    assert collection is not None
    fruit = task("fruit")
    cache.write(tmp_path / "cached", collection, task=fruit, source=fruit.sources[0])
    assert cache.open_cached(tmp_path / "cached").reading == collection.reading
