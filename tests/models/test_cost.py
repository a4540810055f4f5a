"""The arithmetic of what a network costs, and that PyTorch counts the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models import COMPARED, cost

# Counts the products of one forward and backward pass of two images and of one more forward.
COUNT = """
import sys, torch, models
from torch.utils.flop_counter import FlopCounterMode
for architecture in sys.argv[1:]:
    for classes in (10, 26):
        network = models.load(architecture, "pytorch").build(classes)
        images = torch.zeros(2, 28, 28)
        with FlopCounterMode(display=False) as training:
            network(images).sum().backward()
        with FlopCounterMode(display=False) as inference, torch.no_grad():
            network(images)
        print(architecture, classes, training.get_total_flops() // 2,
              inference.get_total_flops() // 2, sum(p.numel() for p in network.parameters()))
"""


def test_pytorch_counts_the_same_operations_and_the_layers_hold_its_parameters() -> None:
    pytest.importorskip("torch", reason="PyTorch counts what the table says")
    shown = subprocess.run(
        [sys.executable, "-c", COUNT, *cost.LAYERS], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    assert len(shown) == 2 * len(cost.LAYERS)
    for line in shown:
        architecture, classes = line.split()[0], int(line.split()[1])
        training, inference, parameters = map(int, line.split()[2:])
        assert cost.training_flop(architecture, classes) == training
        assert cost.inference_flop(architecture, classes) == inference
        layers = cost.layers(architecture, classes)
        assert layers
        assert sum(layer.weights + _biases(layer) for layer in layers) == parameters


def _biases(layer: cost.Layer) -> int:
    return layer.filters if isinstance(layer, cost.Convolution) else layer.outputs


def test_every_architecture_that_is_compared_has_its_costs() -> None:
    assert set(COMPARED) <= set(cost.LAYERS)


def test_groups_side_by_side_multiply_their_own_shares_alone() -> None:
    layer = cost.Dense(name="logits", groups=16, inputs=16 * 64, outputs=16 * 10)
    assert layer.multiply_adds == layer.weights == 16 * 64 * 10


def test_the_first_layer_has_no_input_gradient() -> None:
    first, second, logits = (784 * 512, 512 * 512, 512 * 10)
    assert cost.inference_flop("mlp", 10) == 2 * (first + second + logits)
    assert cost.training_flop("mlp", 10) == 4 * first + 6 * (second + logits)


def test_a_convolution_works_at_every_place_of_its_output() -> None:
    layer = cost.Convolution(name="conv", kernel=3, channels=32, filters=64, side=11)
    assert layer.multiply_adds == 11 * 11 * 3 * 3 * 32 * 64
    assert (layer.inputs, layer.outputs) == (13 * 13 * 32, 11 * 11 * 64)


def step_bytes(**changes: object) -> float | None:
    fields: dict[str, object] = {
        "images": 1,
        "optimizer": "sgd",
        "momentum": 0.0,
        "element_bytes": 4,
    }
    return cost.step_bytes("mlp", 10, **(fields | changes))  # type: ignore[arg-type]


def test_a_step_of_one_image_moves_three_operands_a_product_and_the_update() -> None:
    kernels = (784 * 512, 512 * 512, 512 * 10)
    first, second, logits = (
        weights + inputs + outputs
        for weights, inputs, outputs in zip(kernels, (784, 512, 512), (512, 512, 10), strict=True)
    )
    products = 2 * first + 3 * second + 3 * logits
    assert step_bytes() == 4 * products + 12 * sum(kernels)


@pytest.mark.parametrize(
    ("optimizer", "momentum", "states"), [("sgd", 0.0, 0), ("sgd", 0.9, 1), ("adam", 0.0, 2)]
)
def test_each_state_of_an_optimiser_is_read_and_written(
    optimizer: str, momentum: float, states: int
) -> None:
    plain, other = step_bytes(), step_bytes(optimizer=optimizer, momentum=momentum)
    assert plain is not None
    assert other == plain + states * 8 * (784 * 512 + 512 * 512 + 512 * 10)


def test_bfloat16_halves_what_products_move_and_not_the_update() -> None:
    wide, narrow = step_bytes(), step_bytes(element_bytes=2)
    assert wide is not None
    assert narrow is not None
    update = 12 * (784 * 512 + 512 * 512 + 512 * 10)
    assert narrow - update == (wide - update) / 2


def test_weights_move_once_a_step_however_many_images() -> None:
    one, two, three = (step_bytes(images=images) for images in (1, 2, 3))
    assert one is not None
    assert two is not None
    assert three is not None
    assert three - two == two - one < one


@pytest.mark.parametrize("classes", [10, 26])
def test_an_architecture_without_an_entry_has_no_costs_and_no_error(classes: int) -> None:
    assert cost.layers("transformer", classes) is None
    assert cost.training_flop("transformer", classes) is None
    assert cost.inference_flop("transformer", classes) is None
    assert (
        cost.step_bytes(
            "transformer", classes, images=8, optimizer="adam", momentum=0, element_bytes=4
        )
        is None
    )


def test_an_optimiser_that_is_not_known_has_no_traffic() -> None:
    assert step_bytes(optimizer="lion") is None
