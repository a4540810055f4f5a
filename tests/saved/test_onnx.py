"""An exported model in ONNX Runtime: the file alone is enough, and a broken one is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.results.card import card_of
from bench.saved.model import SavedModelError
from tests import saved_models

onnx = pytest.importorskip("onnx")
networks = pytest.importorskip("bench.saved.onnx")  # which imports ONNX Runtime


def test_the_file_alone_is_usable(onnx_file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(onnx_file.read_bytes())
    network = networks.restore(alone)
    assert network.card == card_of(saved_models.record())
    assert network.features(np.zeros((1, 28, 28), np.float32)) is None
    logits = network.logits(np.zeros((1025, 28, 28), np.float32))
    assert logits.shape == (1025, 10)
    assert logits.dtype == np.float32
    # One image goes through products of another shape, which a processor may round otherwise.
    one_image = network.infer(np.zeros((1, 28, 28), np.float32))
    np.testing.assert_allclose(logits[:1], one_image, atol=1e-5)


@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda content: b""])
def test_a_truncated_onnx_file_is_named(
    damage: Callable[[bytes], bytes], onnx_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "short.onnx"
    path.write_bytes(damage(onnx_file.read_bytes()))
    with pytest.raises(SavedModelError, match=r"short\.onnx: no ONNX model, or cut off"):
        networks.restore(path)


def test_an_onnx_file_without_a_card_is_named(onnx_file: Path, tmp_path: Path) -> None:
    model = onnx.load(onnx_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(SavedModelError, match=r"bare\.onnx: an ONNX model without a card"):
        networks.restore(tmp_path / "bare.onnx")


def test_a_card_of_a_later_version_in_an_onnx_file_is_named(
    onnx_file: Path, tmp_path: Path
) -> None:
    model = onnx.load(onnx_file)
    onnx.helper.set_model_props(model, {networks.CARD: '{"card_version": 9}'})
    onnx.save(model, tmp_path / "later.onnx")
    with pytest.raises(SavedModelError, match=r"later\.onnx: its card is of version 9, wanted 1"):
        networks.restore(tmp_path / "later.onnx")


# A graph that is none of ours is refused before ONNX Runtime sees it


def changed(onnx_file: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    """A copy of the exported model with something planted in it."""
    model = onnx.load(onnx_file)
    change(model)
    entries = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, entries | {networks.CHECKSUM: networks.checksum(model)})
    path = folder / "changed.onnx"
    path.write_bytes(model.SerializeToString())  # onnx.save would look at it first
    return path


def has_another_operator(model: Any) -> None:
    model.graph.node[2].op_type = "Sigmoid"


def has_an_operator_of_somebody_else(model: Any) -> None:
    model.graph.node[2].domain = "com.microsoft"


def has_a_loop(model: Any) -> None:
    model.graph.node[2].attribute.append(onnx.helper.make_attribute("body", model.graph))


def keeps_weights_elsewhere(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def lacks_numbers(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 10**9


def has_broken_numbers(model: Any) -> None:
    tensor = next(each for each in model.graph.initializer if list(each.dims) == [10])
    values = np.full(10, np.nan, np.float32)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def makes_a_huge_value(model: Any) -> None:
    """A column and a row, a megabyte each, added: 2^36 numbers."""
    for name, shape in (("column", (1 << 18, 1)), ("row", (1, 1 << 18))):
        values = np.zeros(shape, np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    model.graph.node.append(onnx.helper.make_node("Add", ["column", "row"], ["huge"]))


def takes_colours(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3


def is_called_otherwise(model: Any) -> None:
    model.graph.output[0].name = "probabilities"
    model.graph.node[-1].output[0] = "probabilities"


def has_classes_more(model: Any) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 26


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (has_another_operator, "refused: it has the operator 'Sigmoid'; no network of ours is so"),
        (has_an_operator_of_somebody_else, "refused: it has the operator 'com.microsoft "),
        (has_a_loop, "refused: an operator .* holds more than numbers and words"),
        (keeps_weights_elsewhere, "refused: its weights '.*' are in another file"),
        (lacks_numbers, "no ONNX model, or cut off or damaged"),
        (has_broken_numbers, "are not all finite numbers"),
        (makes_a_huge_value, r"refused: a batch of 1,024 images takes more than 1,024 MB"),
        (
            takes_colours,
            r"an ONNX model from images \(b, 3, 28\) .* wanted from images \(b, 28",
        ),
        (is_called_otherwise, r"to probabilities \(b, 10\) with a card of 10 classes"),
        (has_classes_more, r"to logits \(b, 26\) with a card of 10 classes"),
    ],
)
def test_a_graph_that_is_none_of_ours_is_refused(
    change: Callable[[Any], None], reason: str, onnx_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(SavedModelError, match=rf"changed\.onnx: .*{reason}"):
        networks.restore(changed(onnx_file, tmp_path, change))


def test_a_changed_weight_is_noticed_by_the_checksum(onnx_file: Path, tmp_path: Path) -> None:
    model = onnx.load(onnx_file)
    tensor = next(each for each in model.graph.initializer if list(each.dims) == [10])
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros(10, np.float32), tensor.name))
    onnx.save(model, tmp_path / "changed.onnx")
    with pytest.raises(SavedModelError, match=r"changed\.onnx: it was changed after it was"):
        networks.restore(tmp_path / "changed.onnx")


def test_metadata_say_what_goes_in_and_what_comes_out(onnx_file: Path) -> None:
    entries = {each.key: each.value for each in onnx.load(onnx_file).metadata_props}
    data = saved_models.record().data
    assert entries["images"] == (
        f"(batch, 28, 28) float32, (pixel / 255 - {data.pixel_mean}) / {data.pixel_std}; ink is "
        "white (255) on black (0)"
    )
    assert entries["logits"].endswith("a logit for each class, in this order: 0 1 2 3 4 5 6 7 8 9")
