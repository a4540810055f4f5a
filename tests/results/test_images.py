"""``images.png``: whose images are left, how they are chosen and kept, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

import datasets
from bench.results import images
from bench.results.folder import Results, ResultsError
from bench.results.record import Data
from bench.run import material
from datasets import Dataset
from datasets.arrays import Split
from tests.saved_models import data_folder


def data() -> Dataset:
    return datasets.open_cached(data_folder())


def of_a_suite(source: str = "glyphs") -> dict[tuple[str, str], tuple[Path, Data]]:
    return {("digits", source): (data_folder(), material.describe(data()))}


def left(folder: Path) -> images.Sample:
    results = Results(folder)
    images.leave(results, of_a_suite())
    sample = images.read(results)
    assert sample
    return sample


def test_what_is_left_is_read_again_in_sixteen_greys(tmp_path: Path) -> None:
    sample = left(tmp_path)
    exact, origin = images.draw(data())
    assert sample.origin == origin
    assert np.abs(sample.images.astype(int) - exact).max() <= 8
    assert set(np.unique(sample.images)) <= set(range(0, 256, 17))
    assert images.are_of(sample, material.describe(data()))
    assert not images.are_of(sample, replace(material.describe(data()), fingerprint="f" * 64))


def test_training_and_validation_images_come_from_their_own_splits_in_mixed_order() -> None:
    exact, origin = images.draw(data())
    for split, part in (
        (data().train, slice(0, origin.train)),
        (data().validation, slice(origin.train, None)),
    ):
        labels = [int(label) for label in origin.labels[part]]
        pairs = {
            (image.tobytes(), label)
            for image, label in zip(split.images, split.labels, strict=True)
        }
        assert {(i.tobytes(), n) for i, n in zip(exact[part], labels, strict=True)} <= pairs
        assert labels != sorted(labels)


def test_every_class_has_as_many_images() -> None:
    _, origin = images.draw(data(), 100)
    assert [origin.labels[: origin.train].count(str(digit)) for digit in range(10)] == [10] * 10
    assert [origin.labels[origin.train :].count(str(digit)) for digit in range(10)] == [2] * 10


def test_richer_images_are_left_in_smaller_number() -> None:
    random = np.random.default_rng(0)
    noisy = Split(
        images=random.integers(0, 256, (4_000, 28, 28), np.uint8),
        labels=np.arange(4_000, dtype=np.uint8) % 10,
    )
    sheet = images.fitting(replace(data(), train=noisy, validation=noisy))
    assert len(sheet) <= images.MOST_BYTES
    sample = images.decoded(sheet)
    assert (sample.origin.train, len(sample.images)) == (400, 500)


def test_a_user_s_own_images_are_not_left(tmp_path: Path) -> None:
    images.leave(Results(tmp_path), of_a_suite("own"))
    assert list(tmp_path.iterdir()) == []
    assert images.read(Results(tmp_path)) is None


def test_the_file_stays_until_the_data_are_others(tmp_path: Path) -> None:
    sample = left(tmp_path)
    file = tmp_path / images.NAME
    before = file.stat().st_mtime_ns
    left(tmp_path)
    assert file.stat().st_mtime_ns == before
    others = msgspec.structs.replace(sample.origin, fingerprint="f" * 64)
    file.write_bytes(images.encode(sample.images, others))
    assert left(tmp_path).origin == sample.origin


def test_a_file_that_no_run_has_left_is_refused(tmp_path: Path) -> None:
    sample, file = left(tmp_path), tmp_path / images.NAME
    origin, pixels = sample.origin, sample.images
    shorter, no_digits = (
        images.encode(pixels, msgspec.structs.replace(origin, labels=labels))
        for labels in ("1", "x" * len(pixels))
    )
    wrong = {
        b"GIF89a": "no PNG: it begins with b'GIF89a'",
        sample.png[:-200]: "truncated",
        bytes(images.MOST_BYTES + 1): "larger than",
        shorter: "1 labels",
        no_digits: "no digits",
    }
    for content, reason in wrong.items():
        file.write_bytes(content)
        with pytest.raises(ResultsError, match=f"no images that a run has left .*{reason}"):
            images.read(Results(tmp_path))
    Image.new("L", (90, 90)).save(file)
    with pytest.raises(ResultsError, match="90x90 pixels"):
        images.read(Results(tmp_path))
    file.unlink()
    file.mkdir()
    with pytest.raises(ResultsError, match="this is a folder"):
        images.read(Results(tmp_path))
