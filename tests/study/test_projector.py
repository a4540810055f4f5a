"""The files of the Embedding Projector, read back by TensorBoard's own plugin."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client
from werkzeug.wrappers import Response

from bench.results.made import making
from bench.study import projector
from bench.study.artifact import Study
from datasets import Split
from tests.records import make_record
from tests.study_data import frames, make_dataset, make_predictions, study_of

N, WIDTH = 40, 5
LABELS = np.arange(N, dtype=np.uint8) % 3


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The projector's folder of a study of 40 images, in pixels and in one network's features."""
    folder = tmp_path_factory.mktemp("study")
    files = frames(projector.make(a_study(folder)))["projector"]
    assert list(files["points"]) == [N, N]
    assert list(files["dimensions"]) == [784, WIDTH]
    return folder / "study/digits/projector"


def a_study(folder: Path) -> Study:
    record = make_record()
    images = np.random.default_rng(0).integers(0, 256, (N, 28, 28), dtype=np.uint8)
    split = Split(images=images, labels=LABELS)
    answers = LABELS.tolist()
    answers[7] = (answers[7] + 1) % 3  # one error
    features = np.divide(images[:, 0, :WIDTH], 7, dtype=np.float32)
    run = replace(make_predictions(record.run_id, answers, split, 3), features=features)
    dataset = make_dataset(split, names=("a", "b b", "ç"))
    return study_of([record], dataset, folder=folder, predictions=[run])


@pytest.fixture(scope="module")
def ask(written: Path) -> Any:
    """Ask TensorBoard's plugin for a route, as the page in the browser does."""
    base_plugin = pytest.importorskip("tensorboard.plugins.base_plugin")
    from tensorboard.plugins.projector import projector_plugin

    class Provider:
        """There are no event files: the folder itself is the run '.'."""

        def list_runs(self, *_: object, **__: object) -> list[Any]:
            return []

    context = base_plugin.TBContext(logdir=str(written), data_provider=Provider())
    plugin = projector_plugin.ProjectorPlugin(context)
    routes = plugin.get_plugin_apps()

    def get(route: str, **query: str) -> bytes:
        answer = Client(routes[route], Response).get(route, query_string=query)
        assert answer.status_code == 200, answer.get_data()
        return answer.get_data()

    return get


def test_tensorboard_lists_every_space(ask: Any) -> None:
    info: Mapping[str, Any] = json.loads(ask("/info", run="."))
    embeddings = {e["tensorName"]: e for e in info["embeddings"]}
    assert set(embeddings) == {"pixels", "mlp_pytorch"}
    assert embeddings["pixels"]["sprite"]["singleImageDim"] == [28, 28]


def test_the_vectors_that_tensorboard_reads_are_those_written(ask: Any) -> None:
    content = ask("/tensor", run=".", name="mlp_pytorch")
    read = np.array(struct.unpack(f"<{N * WIDTH}f", content)).reshape(N, WIDTH)
    wanted = next(iter(a_study(Path()).predictions.values())).features
    assert wanted is not None
    np.testing.assert_allclose(read, wanted, rtol=6e-4)


def test_metadata_names_labels_and_the_error(ask: Any) -> None:
    lines = ask("/metadata", run=".", name="mlp_pytorch").decode().splitlines()
    assert lines[0].split("\t") == ["index", "label", "said", "right", "probability"]
    assert len(lines) == N + 1
    assert [line.split("\t")[0] for line in lines[1:] if "\tNO\t" in line] == ["7"]
    assert {line.split("\t")[1] for line in lines[1:]} == {"a", "b b", "ç"}


def test_the_sprite_holds_every_image_in_its_place(ask: Any) -> None:
    sheet = np.asarray(Image.open(io.BytesIO(ask("/sprite_image", run=".", name="pixels"))))
    assert sheet.shape == (7 * 28, 7 * 28)
    images = a_study(Path()).dataset.test.images
    np.testing.assert_array_equal(sheet[28:56, 0:28], 255 - images[7])  # black on white
    assert (sheet[-28:, -28:] == 255).all()


def test_what_an_earlier_study_wrote_is_removed(tmp_path: Path) -> None:
    study = a_study(tmp_path)
    folder = study.folder / "projector"
    with making(folder) as earlier:
        earlier.write("old.tsv", b"1")
    list(projector.make(study))
    assert not (folder / "old.tsv").exists()
