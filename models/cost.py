"""What a network costs by its layers: floating-point operations, and bytes that must move.

Pure arithmetic over a table of layers; no framework. What is counted are the products, which
are nearly all of the work. A product of a layer with M multiply-adds is 2·M operations:

    forward             2·M
    weight gradient     2·M
    input gradient      2·M   except for the first layer: nobody asks how the image should change

Not counted: biases, ReLU, pooling, dropout, softmax and loss, the optimiser's arithmetic. To add
an architecture: one entry in ``LAYERS``; without one its costs are not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from models.members import HIDDEN, MEMBERS

PARAMETER_BYTES = 4  # weights, gradients and the optimiser's state: float32 in every precision
MOMENTUM_STATES, ADAM_STATES = 1, 2  # numbers an optimiser keeps for each parameter


@dataclass(frozen=True, kw_only=True)
class Dense:
    """A fully connected layer, or several side by side, each with its share of both sides."""

    name: str
    inputs: int  # of all groups
    outputs: int  # of all groups
    groups: int = 1

    @property
    def multiply_adds(self) -> int:
        """Of one image: one for each weight."""
        return self.weights

    @property
    def weights(self) -> int:
        """Numbers in the kernels, the biases left out."""
        return self.inputs * self.outputs // self.groups


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A square convolution without padding, stride 1, over square images."""

    name: str
    kernel: int  # its side, pixels
    channels: int  # that come in
    filters: int  # channels that go out
    side: int  # of the output, pixels

    @property
    def inputs(self) -> int:
        """Numbers that come in, of one image."""
        return (self.side + self.kernel - 1) ** 2 * self.channels

    @property
    def outputs(self) -> int:
        """Numbers that go out, of one image."""
        return self.side**2 * self.filters

    @property
    def multiply_adds(self) -> int:
        """Of one image: every weight once at every place of the output."""
        return self.side**2 * self.weights

    @property
    def weights(self) -> int:
        """Numbers in the kernel, the bias left out."""
        return self.kernel**2 * self.channels * self.filters


Layer = Dense | Convolution


def _mlp(classes: int) -> tuple[Layer, ...]:
    return (
        Dense(name="dense_1", inputs=28 * 28, outputs=512),
        Dense(name="dense_2", inputs=512, outputs=512),
        Dense(name="logits", inputs=512, outputs=classes),
    )


def _cnn(classes: int) -> tuple[Layer, ...]:
    return (
        Convolution(name="conv_1", kernel=3, channels=1, filters=32, side=26),  # pooled to 13
        Convolution(name="conv_2", kernel=3, channels=32, filters=64, side=11),  # pooled to 5
        Dense(name="dense", inputs=5 * 5 * 64, outputs=128),
        Dense(name="logits", inputs=128, outputs=classes),
    )


def _one_hidden_layer(classes: int, *, hidden: int) -> tuple[Layer, ...]:
    return (
        Dense(name="dense", inputs=28 * 28, outputs=hidden),
        Dense(name="logits", inputs=hidden, outputs=classes),
    )


def _ensemble(classes: int) -> tuple[Layer, ...]:
    hidden = MEMBERS * HIDDEN
    return (
        Dense(name="dense", inputs=28 * 28, outputs=hidden),  # all members read the same image
        Dense(name="logits", groups=MEMBERS, inputs=hidden, outputs=MEMBERS * classes),
    )


# The layers with weights, in order, of a network for so many classes. Boosting has no entry: it
# trains one member at a time and asks all of them; nor have graphs, whose size is the image's.
LAYERS: dict[str, Callable[[int], tuple[Layer, ...]]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "mlp-small": partial(_one_hidden_layer, hidden=HIDDEN),
    "mlp-wide": partial(_one_hidden_layer, hidden=MEMBERS * HIDDEN),
    "ensemble-mlp": _ensemble,
}


def layers(architecture: str, classes: int) -> tuple[Layer, ...] | None:
    """The layers that hold weights, in order; None for an architecture without an entry."""
    table = LAYERS.get(architecture)
    return table(classes) if table else None


def inference_flop(architecture: str, classes: int) -> int | None:
    """Floating-point operations of one image forward; None where not known."""
    table = layers(architecture, classes)
    return sum(2 * layer.multiply_adds for layer in table) if table else None


def training_flop(architecture: str, classes: int) -> int | None:
    """Floating-point operations of one image forward and backward; None where not known."""
    table = layers(architecture, classes)
    if table is None:
        return None
    return sum(_passes(index) * 2 * layer.multiply_adds for index, layer in enumerate(table))


def step_bytes(
    architecture: str,
    classes: int,
    *,
    images: float,
    optimizer: str,
    momentum: float,
    element_bytes: int,
) -> float | None:
    """Bytes that a training step must read and write if every product finds its caches empty.

    A product reads its two operands and writes its result, once each; what lies between two
    products (ReLU, pooling, dropout) is taken as part of the one before and moves nothing. So a
    layer with weights w, inputs x and outputs y moves w + x + y numbers forward (x, w -> y), as
    many for its weight gradient (x, dy -> dw) and for its input gradient (dy, w -> dx). Then
    the optimiser reads and writes weights and state and reads gradients, in float32.

    It is the compulsory traffic of Williams, Waterman and Patterson, 'Roofline', Communications
    of the ACM 52 (2009). A cache that keeps something from one product to the next saves some
    of it; frameworks that do not fuse move more.

    Args:
        architecture, classes: of the network.
        images: of the step; a mean over steps may be no whole number.
        optimizer: 'sgd' or 'adam'.
        momentum: of 'sgd'; 0 for none, which keeps no state.
        element_bytes: of a number in a product: 4 in float32 and TF32, 2 in bfloat16.

    Returns:
        Bytes, or None where the architecture or the optimiser is not known.
    """
    table = layers(architecture, classes)
    states = _states(optimizer, momentum)
    if table is None or states is None:
        return None
    numbers = sum(
        _passes(index) * (layer.weights + images * (layer.inputs + layer.outputs))
        for index, layer in enumerate(table)
    )
    parameters = sum(layer.weights for layer in table)
    update = 3 + 2 * states  # weight read and written, gradient read; each state read and written
    return numbers * element_bytes + parameters * update * PARAMETER_BYTES


def _passes(index: int) -> int:
    """Products of a layer in training: the first has no input gradient."""
    return 2 if index == 0 else 3


def _states(optimizer: str, momentum: float) -> int | None:
    if optimizer == "adam":
        return ADAM_STATES
    return (MOMENTUM_STATES if momentum else 0) if optimizer == "sgd" else None
