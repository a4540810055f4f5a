"""What every trainer promises of the models it saves, for one framework a process.

Run by ``test_trainers.py``, or by hand:
``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract_saved.py``.
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.report.web import drawn
from bench.results.folder import Results
from bench.results.models import read_card, write_model
from bench.saved.model import Model, SavedModelError, load
from bench.trainers import FRAMEWORKS, Trainer
from tests.saved_models import a_card
from tests.small_trainers import (
    FRAMEWORK,
    TEST_IMAGES,
    create,
    each_architecture,
    frameworks_own_warnings,
    train,
    with_random_biases,
)

ENDING = FRAMEWORKS[FRAMEWORK].model_ending
CONFIG, WEIGHTS = "config.json", "model.weights.h5"

pytestmark = frameworks_own_warnings
keras_only = pytest.mark.skipif(ENDING != ".keras", reason="of Keras's files")

Change = Callable[[dict[str, Any]], None]


def saved(trainer: Trainer, folder: Path, architecture: str = "mlp") -> Path:
    """The network of a trainer, saved as a run saves it."""
    path = folder / f"run{ENDING}"
    write_model(path, a_card(architecture, framework=FRAMEWORK), trainer.save)
    return path


@each_architecture
def test_a_saved_network_gives_the_logits_it_had(architecture: str, tmp_path: Path) -> None:
    trainer = create(architecture)
    trainer.load_weights(with_random_biases(trainer.weights()))
    model = load(saved(trainer, tmp_path, architecture))
    assert model.framework == FRAMEWORK
    np.testing.assert_array_equal(model.network.logits(TEST_IMAGES), trainer.logits(TEST_IMAGES))
    np.testing.assert_array_equal(model.network.infer(TEST_IMAGES), trainer.infer(TEST_IMAGES))
    assert_features_are_before_the_logits(model, trainer)


def assert_features_are_before_the_logits(model: Model, trainer: Trainer) -> None:
    """The last layer alone makes the logits of them."""
    features, weights = model.network.features(TEST_IMAGES), trainer.weights()
    assert features is not None
    assert features.dtype == np.float32
    wanted = features @ weights["logits/kernel"] + weights["logits/bias"]
    np.testing.assert_allclose(wanted, trainer.logits(TEST_IMAGES), atol=1e-4)
    assert features.min() == 0  # after the ReLU


def test_no_other_framework_is_in_the_process_after_training_and_saving(tmp_path: Path) -> None:
    """Keras would import whichever is installed, and take seconds and memory for it."""
    trainer = create()
    train(trainer)
    saved(trainer, tmp_path)
    there = {name for name in ("jax", "tensorflow", "torch") if sys.modules.get(name)}
    assert there <= set(FRAMEWORKS[FRAMEWORK].packages)


def test_saving_leaves_the_trainer_as_it_was(tmp_path: Path) -> None:
    trainer = create()
    before = trainer.logits(TEST_IMAGES)
    saved(trainer, tmp_path)
    np.testing.assert_array_equal(trainer.logits(TEST_IMAGES), before)


@keras_only
def test_the_file_knows_nothing_of_its_backend(tmp_path: Path) -> None:
    with zipfile.ZipFile(saved(create(), tmp_path)) as file:
        said = file.read(CONFIG) + file.read("metadata.json")
    assert FRAMEWORK.removeprefix("keras-").encode() not in said.lower()


@keras_only
def test_keras_itself_loads_the_file_and_passes_over_the_card(tmp_path: Path) -> None:
    import keras

    trainer: Any = create()
    path = saved(trainer, tmp_path)
    model = keras.saving.load_model(path, safe_mode=True, compile=False)
    logits = model.predict(TEST_IMAGES, verbose=0)
    np.testing.assert_allclose(logits, trainer.logits(TEST_IMAGES), atol=1e-5)
    for loaded, own in zip(model.get_weights(), trainer._model.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, own)


def becomes_a_lambda(config: dict[str, Any]) -> None:
    config["config"]["layers"][1] |= {"class_name": "Lambda"}


def becomes_another_module(config: dict[str, Any]) -> None:
    config["config"]["layers"][1] |= {"module": "os", "class_name": "system"}


def becomes_registered(config: dict[str, Any]) -> None:
    config["config"]["layers"][1] |= {"registered_name": "theirs>Layer"}


def hides_a_function(config: dict[str, Any]) -> None:
    planted = {"class_name": "function", "module": "builtins", "config": "eval"}
    config["config"]["layers"][2]["config"]["activation"] = planted


@keras_only
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (becomes_a_lambda, "keras.layers.Lambda"),
        (becomes_another_module, "os.system"),
        (becomes_registered, "registered.theirs>Layer"),
        (hides_a_function, "builtins.function"),
    ],
)
def test_a_file_that_names_what_might_run_is_refused(
    change: Change, named: str, tmp_path: Path
) -> None:
    path = saved(create(), tmp_path)
    rewrite(path, change)
    with pytest.raises(SavedModelError, match=f"refused: it names {named}"):
        load(path)


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = config["config"]["layers"]
    return layers


def computes_something_else(config: dict[str, Any]) -> None:
    layers_of(config)[3]["config"]["activation"] = "sigmoid"


def fills_memory(config: dict[str, Any]) -> None:
    layers_of(config)[2]["config"]["units"] = 1_000_000_000


def computes_in_halves(config: dict[str, Any]) -> None:
    layers_of(config)[2]["config"]["dtype"]["config"]["name"] = "float16"


def has_a_layer_more(config: dict[str, Any]) -> None:
    layers_of(config).append(layers_of(config)[3])


def lacks_a_layer(config: dict[str, Any]) -> None:
    del layers_of(config)[3]


def takes_larger_images(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, 280000, 280000]


@keras_only
@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (computes_something_else, "its network, layers relu_1, activation: 'sigmoid', wanted 'rel"),
        (fills_memory, "its network, layers dense_1, units: 1000000000, wanted 512"),
        (computes_in_halves, "layers dense_1, dtype, name: 'float16', wanted 'float32'"),
        (has_a_layer_more, r"its network, layers: 10 \(input_layer.*\), wanted 9 \(input_layer"),
        (lacks_a_layer, r"its network, layers: 8 \(.*\), wanted 9 \(.*relu_1"),
        (takes_larger_images, "batch_shape 1: 280000, wanted 28"),
    ],
)
def test_a_file_of_another_network_is_refused_before_it_is_built(
    change: Change, difference: str, tmp_path: Path
) -> None:
    path = saved(create(), tmp_path)
    rewrite(path, change)
    with pytest.raises(SavedModelError, match=f"its card says mlp .*does not fit: .*{difference}"):
        load(path)


@keras_only
@each_architecture
def test_the_page_reads_the_weights_without_keras(architecture: str, tmp_path: Path) -> None:
    trainer = create(architecture)
    trainer.load_weights(with_random_biases(trainer.weights()))
    results, card = Results(tmp_path), a_card(architecture, framework=FRAMEWORK)
    path = results.model_path(card.record.run_id, ENDING)
    path.parent.mkdir()
    write_model(path, card, trainer.save)
    drawing = drawn.drawing(results, [card.record])
    assert drawing
    assert [network.run_id for network in drawing.networks] == [card.record.run_id]
    weights = drawn.weights(path, card)
    assert list(weights) == list(trainer.weights())
    for name, array in trainer.weights().items():
        np.testing.assert_array_equal(weights[name], array)


@keras_only
@pytest.mark.parametrize("change", [computes_something_else, has_a_layer_more, lacks_a_layer])
def test_the_page_reads_no_weights_of_another_network(change: Change, tmp_path: Path) -> None:
    path = saved(create(), tmp_path)
    rewrite(path, change)
    with pytest.raises(ValueError, match="layers of another network"):
        drawn.weights(path, read_card(path))


@keras_only
def test_a_file_of_another_version_of_keras_says_so_where_it_differs(tmp_path: Path) -> None:
    path = saved(create(), tmp_path)
    rewrite(path, computes_something_else)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    write_zip(path, members | {"metadata.json": b'{"keras_version": "3.0.1"}'})
    with pytest.raises(
        SavedModelError, match=r"\(it was written by Keras 3\.0\.1, and this is 3\."
    ):
        load(path)


@keras_only
@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (
            {"shape": (10**6, 10**6), "dtype": "f4", "chunks": (10, 10)},
            r"shape \(1000000, 1000000\)",
        ),
        ({"shape": (784, 512), "dtype": "f8"}, "of float64, wanted .* of float32"),
        ({"shape": (784, 512), "dtype": "f4", "compression": "gzip"}, "packed, or lies in another"),
        (
            {"shape": (784, 512), "dtype": "f4", "external": [("/etc/passwd", 0, 784 * 512 * 4)]},
            "packed, or lies in another file",
        ),
    ],
)
def test_weights_are_looked_at_before_they_are_read(
    kernel: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    import h5py

    path = saved(create(), tmp_path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    weights = tmp_path / WEIGHTS
    weights.write_bytes(members[WEIGHTS])
    with h5py.File(weights, "a") as opened:
        del opened["layers/dense/vars/0"]
        opened.create_dataset("layers/dense/vars/0", **kernel)
    write_zip(path, members | {WEIGHTS: weights.read_bytes()})
    with pytest.raises(SavedModelError, match=f"layers/dense/vars/0 .*{reason}"):
        load(path)
    with pytest.raises(ValueError, match=r"layers/dense/vars/0( is no array|: \(.* of float)"):
        drawn.weights(path, read_card(path))


@keras_only
def test_weights_that_link_into_another_file_are_refused(tmp_path: Path) -> None:
    import h5py

    path = saved(create(), tmp_path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    weights = tmp_path / WEIGHTS
    weights.write_bytes(members[WEIGHTS])
    with h5py.File(weights, "a") as opened:
        del opened["layers/dense/vars/0"]
        opened["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")
    write_zip(path, members | {WEIGHTS: weights.read_bytes()})
    with pytest.raises(SavedModelError, match="layers/dense/vars/0 is a link"):
        load(path)
    with pytest.raises(ValueError, match="layers/dense/vars/0 is not among them"):
        drawn.weights(path, read_card(path))


@keras_only
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    trainer = create()
    weights = trainer.weights()
    weights["logits/bias"][3] = np.inf
    trainer.load_weights(weights)
    with pytest.raises(SavedModelError, match="are not all finite numbers"):
        load(saved(trainer, tmp_path))


@keras_only
def test_the_user_s_own_settings_change_no_answer_and_are_theirs_again(tmp_path: Path) -> None:
    from keras import config

    trainer = create("cnn")
    path = saved(trainer, tmp_path, "cnn")
    wanted, wanted_features = trainer.logits(TEST_IMAGES), load(path).network.features(TEST_IMAGES)
    own = (config.floatx(), config.image_data_format(), config.dtype_policy())
    config.set_floatx("float16")
    config.set_image_data_format("channels_first")
    config.set_dtype_policy("float16")
    config.set_max_steps_per_epoch(1)
    try:
        network = load(path).network
        np.testing.assert_array_equal(network.logits(TEST_IMAGES), wanted)
        np.testing.assert_allclose(network.infer(TEST_IMAGES), wanted, atol=1e-5)
        np.testing.assert_array_equal(network.features(TEST_IMAGES), wanted_features)
        assert (config.floatx(), config.image_data_format()) == ("float16", "channels_first")
        assert (config.dtype_policy().name, config.max_steps_per_epoch()) == ("float16", 1)
    finally:
        config.set_floatx(own[0])
        config.set_image_data_format(own[1])
        config.set_dtype_policy(own[2])
        config.set_max_steps_per_epoch(None)


@keras_only
def test_a_real_lambda_layer_is_refused_and_does_not_run(tmp_path: Path) -> None:
    import keras

    trace = str(tmp_path / "it ran")
    planted = keras.layers.Lambda(lambda x: [x, os.open(trace, os.O_CREAT)][0])
    network = keras.Sequential([keras.Input((28, 28)), planted])
    Path(trace).unlink()  # Keras has called it to know its output
    path = tmp_path / "run.keras"
    write_model(path, a_card(framework=FRAMEWORK), network.save)
    with pytest.raises(SavedModelError, match=r"refused: it names .*\.Lambda"):
        load(path)
    assert not Path(trace).exists()


@keras_only
@pytest.mark.parametrize("keep", [100, -30])
def test_a_truncated_file_is_said_to_be_cut_off(keep: int, tmp_path: Path) -> None:
    path = saved(create(), tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SavedModelError, match="cut off or damaged"):
        load(path)


@keras_only
def test_a_file_without_a_card_is_somebody_else_s(tmp_path: Path) -> None:
    path = tmp_path / "run.keras"
    create().save(path)
    with pytest.raises(SavedModelError, match="weights without a card"):
        load(path)


def test_the_weights_of_another_architecture_do_not_fit_the_card(tmp_path: Path) -> None:
    path = tmp_path / f"run{ENDING}"
    write_model(path, a_card("cnn", framework=FRAMEWORK), create("mlp").save)
    with pytest.raises(SavedModelError, match="its card says cnn for digits with 10 classes"):
        load(path)


def rewrite(path: Path, change: Change) -> None:
    """Plant something in the configuration of a ``.keras`` file."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members[CONFIG])
    change(config)
    write_zip(path, members | {CONFIG: json.dumps(config).encode()})


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
