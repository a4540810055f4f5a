"""The IDX parser: what it accepts, and where it says an error is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets.errors import DataError
from datasets.idx import parse_images, parse_labels
from tests.data_files import Bytes, idx, images, unhurried

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
        said = str(error)
    else:
        said = "file: is as it was" if idx(parsed) == content else "changed"
    assert said.startswith("file: ")


@unhurried
@given(some_images, st.data())
def test_one_changed_byte_is_an_error_or_another_pixel(pixels: Bytes, data: st.DataObject) -> None:
    content = bytearray(idx(pixels))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        parsed = parse_images(bytes(content), name="file")
    except DataError:
        assert place < 16  # in the header
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
    said = complaint_on_images(idx(labels) + bytes(20))
    assert said.startswith("folder/file: magic number 0x00000801 at byte 0, wanted 0x00000803")
    assert "0x00000803 at byte 0, wanted 0x00000801" in complaint_on_labels(idx(pixels))


def test_images_of_another_size_are_refused() -> None:
    said = complaint_on_images(idx(np.zeros((5, 32, 28), np.uint8)))
    assert said == "folder/file: images of 32×28 at byte 8, wanted 28×28"


def test_bytes_after_the_last_value_are_refused() -> None:
    _, labels = images(7, classes=10)
    said = complaint_on_labels(idx(labels) + b"\x00")
    assert said.startswith("folder/file: ends at byte 16, wanted 15")


def test_a_file_with_no_values_is_refused() -> None:
    assert "none is too few" in complaint_on_labels(idx(np.zeros(0, np.uint8)))


def test_a_label_that_is_no_digit_is_named_with_its_byte() -> None:
    said = complaint_on_labels(idx(np.array([3, 1, 10, 4], np.uint8)))
    assert said == "folder/file: label 10 at byte 10, wanted 0 to 9"
