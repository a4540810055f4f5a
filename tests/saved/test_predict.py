"""``python -m bench predict`` in this process, with a model of NumPy's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import datasets
from bench.results.folder import Results
from bench.saved.model import load
from bench.saved.predict import main, prepared_names
from tests.records import make_record
from tests.saved_models import data_folder, model_path

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a PNG and a JPEG, dark on light, and a file that is no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, image in zip(("one.png", "two.jpg"), _drawn(), strict=False):
        large = 255 - np.asarray(Image.fromarray(image).resize((140, 140)))
        Image.fromarray(np.pad(large, ((20, 30), (40, 60)), constant_values=255)).save(
            folder / name
        )
    (folder / "notes.txt").write_text("no picture")
    return folder


def _drawn() -> NDArray[np.uint8]:
    return np.asarray(datasets.open_cached(data_folder()).test.images[:2])


def run(*words: str | Path) -> int:
    return main([str(model_path()), *map(str, words)])


def test_a_folder_is_read_and_each_picture_has_a_line(pictures: Path, capsys: Captured) -> None:
    assert run(pictures) == 0
    out, err = capsys.readouterr()
    model = load(model_path())
    for line, path in zip(out.splitlines(), sorted(pictures.glob("*.*g")), strict=True):
        [prediction] = model.predict([path])
        assert line.startswith(f"{path}")
        assert line.split()[1:3] == [prediction.label, f"{prediction.top[0].probability:.1%}"]
        assert line.endswith(" ms")
    assert "drawn glyphs, not on handwriting" in err


def test_json_says_all_of_it_to_a_program(pictures: Path, capsys: Captured) -> None:
    assert run(pictures / "one.png", "--json", "--top", "10") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["task"], printed["framework"], printed["class_names"]) == (
        "digits",
        "numpy",
        list("0123456789"),
    )
    [reading] = printed["predictions"]
    assert reading["image"] == str(pictures / "one.png")
    assert reading["label"] == reading["top"][0]["label"]
    assert sum(guess["probability"] for guess in reading["top"]) == pytest.approx(1)
    assert reading["took_s"] > 0
    assert reading["error"] is None


def test_a_file_that_is_no_picture_is_said_after_the_others_are_done(
    pictures: Path, capsys: Captured
) -> None:
    assert run(pictures / "notes.txt", pictures / "one.png", pictures / "none.png") == 2
    out, err = capsys.readouterr()
    assert out.startswith(str(pictures / "one.png"))
    assert len(out.splitlines()) == 1
    assert "notes.txt: cannot be read as a PNG, JPEG or BMP image" in err
    assert "none.png: no such file" in err


def test_a_folder_without_pictures_and_a_file_that_is_no_model_end_at_once(
    tmp_path: Path, capsys: Captured
) -> None:
    assert run(tmp_path) == 2
    assert "no images in it; wanted .png" in capsys.readouterr().err
    assert main([str(tmp_path / "run.keras"), "one.png"]) == 2
    assert "run.keras: no such file" in capsys.readouterr().err


def test_what_the_model_saw_is_saved_and_nothing_is_written_over(
    pictures: Path, tmp_path: Path, capsys: Captured
) -> None:
    prepared = tmp_path / "prepared"
    assert run(pictures, "--save-prepared", prepared) == 0
    assert sorted(path.name for path in prepared.iterdir()) == ["one.png", "two.png"]
    saved = np.asarray(Image.open(prepared / "one.png"))
    np.testing.assert_array_equal(saved, load(model_path()).prepare(pictures / "one.png"))
    assert run(pictures, "--save-prepared", prepared) == 0  # the same again is no loss
    other = Image.new("L", (28, 28))
    other.save(prepared / "one.png")
    capsys.readouterr()
    assert run(pictures, "--save-prepared", prepared) == 2
    assert "one.png is there already and is another image: it was kept" in capsys.readouterr().err
    assert not np.asarray(Image.open(prepared / "one.png")).any()


def test_pictures_of_one_name_are_saved_under_two() -> None:
    paths = [Path("a/x.png"), Path("b/x.jpg"), Path("b/y.png")]
    assert list(prepared_names(paths).values()) == ["x.png", "x-2.png", "y.png"]


def test_what_is_doubtful_about_a_picture_is_said(tmp_path: Path, capsys: Captured) -> None:
    page = np.full((600, 800), 255, np.uint8)
    page[100:180, 100:108] = page[400:480, 500:508] = 0  # two strokes far apart
    Image.fromarray(page).save(tmp_path / "two.png")
    assert run(tmp_path / "two.png", "--json") == 0
    out, err = capsys.readouterr()
    assert f"Note: {tmp_path / 'two.png'}: there is more on it than one character" in err
    assert "more on it than one character" in json.loads(out)["predictions"][0]["notes"][0]


# Of a results folder


@pytest.fixture
def trained(tmp_path: Path) -> Results:
    """A folder with models of two tasks, the best of digits a CNN; all are one file of NumPy's."""
    results = Results(tmp_path / "mine")
    for task, architecture, accuracy in (
        ("digits", "mlp", 0.97),
        ("digits", "cnn", 0.99),
        ("letters", "mlp", 0.88),
        ("letters", "cnn", 0.93),
    ):
        record = make_record(
            task=task, architecture=architecture, framework="numpy", accuracies=(0.5, accuracy)
        )
        results.save(record)
        path = results.model_path(record.run_id, ".safetensors")
        path.parent.mkdir(exist_ok=True)
        shutil.copy(model_path(), path)
    results.save(make_record(framework="pytorch", accuracies=(0.5, 1.0)))  # its model is gone
    return results


def test_of_a_folder_the_best_model_is_taken_and_named(
    trained: Results, pictures: Path, capsys: Captured
) -> None:
    assert main([str(trained.folder), str(pictures / "one.png"), "--json"]) == 0
    out, err = capsys.readouterr()
    taken = Path(json.loads(out)["model"])
    assert taken.parent == trained.folder / "models"
    assert "CNN on digits in numpy eager, validation accuracy 99.00 %, the highest of 4" in err
    assert "It knows digits alone; for letters add --task letters." in err
    assert str(taken) in err


def test_task_and_architecture_narrow_the_choice(
    trained: Results, pictures: Path, capsys: Captured
) -> None:
    words = ("--task", "letters", "--architecture", "mlp")
    assert main([str(trained.folder), str(pictures / "one.png"), *words]) == 0
    err = capsys.readouterr().err
    assert "MLP on letters in numpy eager, validation accuracy 88.00 %, the highest of 1 m" in err
    assert "It knows" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "fruit"], "no run has left a model of task fruit; there are digits cnn, "),
        (["--framework", "keras-jax"], "none of its 4 models can run in keras-jax; they were"),
    ],
)
def test_a_folder_without_a_model_that_fits_says_what_it_has(
    words: list[str], message: str, trained: Results, capsys: Captured
) -> None:
    assert main([str(trained.folder), "one.png", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_models_or_records_says_so(tmp_path: Path, capsys: Captured) -> None:
    Results(tmp_path / "mine").save(make_record())
    for folder, message in (
        ("mine", "no run has left a model; there are none at all: a run with --out leaves one"),
        ("none", "no records in"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        assert main([str(tmp_path / folder), "one.png"]) == 2
        assert message in capsys.readouterr().err


def test_a_file_leaves_nothing_to_narrow(capsys: Captured) -> None:
    assert main([str(model_path()), "one.png", "--task", "digits"]) == 2
    assert "--task chooses among the models of a results folder" in capsys.readouterr().err
