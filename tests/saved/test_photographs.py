"""A folder of pictures evaluated: each is prepared as ``predict`` prepares it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import datasets
from bench.saved import photographs
from bench.saved.evaluate import main
from bench.saved.model import load
from tests.saved_models import data_folder, model_path

Captured = pytest.CaptureFixture[str]
EACH = 4  # pictures of a class


def folder_of(path: Path, *, photographed: bool) -> Path:
    """Drawn digits by class: dark on grey paper, large and off the middle; or as they are."""
    train = datasets.open_cached(data_folder()).train
    for label in range(10):
        (path / str(label)).mkdir(parents=True)
        for number, image in enumerate(train.images[train.labels == label][:EACH]):
            picture = photograph(image) if photographed else np.asarray(image)
            Image.fromarray(picture).save(path / str(label) / f"{number}.png")
    return path


def photograph(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = np.asarray(Image.fromarray(image).resize((120, 120), Image.Resampling.BICUBIC))
    return np.pad(230 - (large * 0.7).astype(np.uint8), ((90, 20), (30, 60)), constant_values=230)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photographs."""
    return folder_of(tmp_path_factory.mktemp("photos") / "photos", photographed=True)


def evaluated(capsys: Captured, folder: Path, *words: str) -> dict[str, Any]:
    """What the command prints of all pictures of a folder."""
    asked = ["--task", "digits", "--data-file", str(folder), "--all", "--json", *words]
    assert main([str(model_path()), *asked]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_photographs_are_read_as_predict_reads_them(photos: Path, capsys: Captured) -> None:
    paths = sorted(photos.glob("*/*.png"))
    predictions = load(model_path()).predict(paths)
    right = sum(
        prediction.label == path.parent.name
        for prediction, path in zip(predictions, paths, strict=True)
    )
    printed = evaluated(capsys, photos)
    assert printed["form"] == "as photographs: ink found, centred"
    assert printed["scores"]["overall"]["images"] == len(paths) == 10 * EACH
    assert printed["scores"]["overall"]["correct"] == right
    assert not printed["own_data"]
    assert printed["as_recorded"] is None


def test_as_they_are_photographs_are_read_worse(photos: Path, capsys: Captured) -> None:
    as_photos, as_they_are = evaluated(capsys, photos), evaluated(capsys, photos, "--form", "asis")
    assert as_they_are["form"] == "as they are: 28 x 28"
    correct = [each["scores"]["overall"]["correct"] for each in (as_they_are, as_photos)]
    assert correct[0] < correct[1]


def test_pictures_of_28x28_are_taken_as_they_are_unless_it_is_said(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = folder_of(tmp_path / "small", photographed=False)
    printed = evaluated(capsys, folder)
    assert printed["form"] == "as they are: 28 x 28"
    images = datasets.open_cached(data_folder()).train.images
    labels = datasets.open_cached(data_folder()).train.labels
    rows = np.concatenate([np.flatnonzero(labels == label)[:EACH] for label in range(10)])
    predicted = load(model_path()).logits(images[rows]).argmax(axis=1)
    assert printed["scores"]["overall"]["correct"] == int((predicted == labels[rows]).sum())
    assert evaluated(capsys, folder, "--form", "photo")["form"].startswith("as photographs")


def test_the_text_says_which_form_it_was(photos: Path, capsys: Captured) -> None:
    words = ["--task", "digits", "--data-file", str(photos)]
    assert main([str(model_path()), *words]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "images as photographs: ink found, centred"


@pytest.mark.parametrize("data_file", [True, False])
def test_a_photograph_is_a_picture_in_a_folder(
    data_file: bool, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, images=np.zeros((3, 28, 28), np.uint8), labels=np.arange(3))
    words = ["--data-file", str(path)] if data_file else []
    assert main([str(model_path()), "--form", "photo", *words]) == 2
    assert "wanted a folder of pictures, named by --data-file" in capsys.readouterr().err


def test_a_picture_with_nothing_on_it_is_named(photos: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos", photographed=True)
    Image.new("L", (200, 200), 255).save(folder / "7" / "empty.png")
    with pytest.raises(datasets.DataError, match=r"empty\.png: nothing stands out"):
        photographs.read(load(model_path()), folder, "digits")
