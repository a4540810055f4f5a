"""The layers in plain NumPy, and a chain of them: what a framework does for you.

Every layer is a function y = f(x; kernel, bias). Training asks two things of it:

    forward(values, training)   x -> y, one row an image, the images of a batch together
    backward(gradient)          ∂L/∂y -> ∂L/∂x, by the chain rule, L being the loss; and where the
                                layer has parameters, ∂L/∂kernel and ∂L/∂bias are kept

That is back-propagation (Rumelhart, Hinton and Williams, 1986; Goodfellow, Bengio and Courville,
*Deep Learning*, 2016, section 6.5). Frameworks derive the backward pass by themselves; here it is
written out. Images are (b, height, width, channel), Dense kernels (in, out), convolutions
(height, width, in, out): the neutral layout. The dtype is that of the kernels, float32 to train
and float64 to referee; nothing here widens float32.

A layer changes nothing it is given. What it returns is its own, and overwritten by its next call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]  # float32 or float64


class Layer(Protocol):
    """What every layer can do."""

    def forward(self, values: Array, training: bool) -> Array:
        """x -> y. ``training``: whether dropout is on."""
        ...

    def backward(self, gradient: Array) -> Array:
        """∂L/∂y -> ∂L/∂x at the values of the last ``forward``."""
        ...


class Memory:
    """Arrays that a layer uses again from batch to batch.

    Fresh memory has to be had from the system page by page, which takes longer than most of
    what is computed in it.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """An array of this shape with anything in it; the same memory under the same name.

        A shorter batch gets the beginning of a longer one's.
        """
        held = self._arrays.get(name)
        if held is None or held.shape[1:] != shape[1:] or len(held) < shape[0]:
            held = self._arrays[name] = np.empty(shape, dtype)
        return held[: shape[0]]


class Trainable:
    """A layer with a kernel and a bias, zero until they are given values.

    A row of inputs makes a row of outputs, y = x·W + b: a Dense layer has a row an image,
    a convolution a row a window.
    """

    def __init__(self, kernel_shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.parameters = {
            "kernel": np.zeros(kernel_shape, dtype),
            "bias": np.zeros(kernel_shape[-1], dtype),
        }
        self.gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        self.product: Callable[..., Array] = np.matmul  # or how another device multiplies
        self._width = kernel_shape[-1]
        self._dtype = dtype
        self._memory = Memory()

    def parameter_gradients(self, gradient: Array) -> None:
        """∂L/∂W = xᵀ·∂L/∂y and ∂L/∂b = Σ ∂L/∂y, summed over the rows; kept in ``gradients``.

        The first layer of a network needs no more.
        """
        rows = gradient.reshape(-1, self._width)
        self.product(self._rows.T, rows, out=self.gradients["kernel"].reshape(-1, self._width))
        # A product with ones: BLAS sums over rows several times as fast as np.sum does.
        np.matmul(np.ones(len(rows), self._dtype), rows, out=self.gradients["bias"])

    def _row_outputs(self, rows: Array) -> Array:
        """y = x·W + b; (rows, in) -> (rows, out)."""
        self._rows = rows
        outputs = self._memory.take("outputs", (len(rows), self._width), self._dtype)
        self.product(rows, self.parameters["kernel"].reshape(-1, self._width), out=outputs)
        outputs += self.parameters["bias"]
        return outputs

    def _row_gradients(self, gradient: Array) -> Array:
        """∂L/∂x = ∂L/∂y·Wᵀ; (rows, out) -> (rows, in)."""
        kernel = self.parameters["kernel"].reshape(-1, self._width)
        result = self._memory.take("row gradients", self._rows.shape, self._dtype)
        return self.product(gradient.reshape(-1, self._width), kernel.T, out=result)


class Dense(Trainable):
    """y = x·W + b: every output sees every input. (b, in) -> (b, out)."""

    def __init__(self, inputs: int, outputs: int, dtype: DTypeLike) -> None:
        super().__init__((inputs, outputs), dtype)

    def forward(self, values: Array, training: bool) -> Array:
        return self._row_outputs(values)

    def backward(self, gradient: Array) -> Array:
        self.parameter_gradients(gradient)
        return self._row_gradients(gradient)


class Convolution(Trainable):
    """Slide a window over the images; a Dense layer, the same everywhere, sees what is in it.

    y[n, i, j, o] = Σ_{u, v, c} x[n, i + u, j + v, c] · W[u, v, c, o] + b[o]

    (cross-correlation, as in every framework; no padding, stride 1; Goodfellow and others, 2016,
    section 9.1). (b, height, width, in) -> (b, height - size + 1, width - size + 1, out).

    All windows are copied out as the rows of one matrix ('im2col'; Chellapilla, Puri and Simard,
    2006), so that a convolution is one matrix product, which BLAS does fast. Backward, what
    belongs to each window is added to where the window lay.
    """

    def __init__(self, inputs: int, outputs: int, size: int, dtype: DTypeLike) -> None:
        super().__init__((size, size, inputs, outputs), dtype)
        self._size = size

    def forward(self, values: Array, training: bool) -> Array:
        self._shape = values.shape
        windows = self._windows(values)  # (b, i, j, u, v, c)
        outputs = self._row_outputs(windows.reshape(-1, windows[0, 0, 0].size))
        return outputs.reshape(*windows.shape[:3], -1)

    def backward(self, gradient: Array) -> Array:
        self.parameter_gradients(gradient)
        rows = self._row_gradients(gradient)
        by_window = rows.reshape(*gradient.shape[:3], self._size, self._size, self._shape[-1])
        result = self._memory.take("gradient", self._shape, self._dtype)
        result[...] = 0
        _, height, width, _ = gradient.shape
        for u, v in product(range(self._size), repeat=2):
            result[:, u : u + height, v : v + width] += by_window[:, :, :, u, v]
        return result

    def _windows(self, values: Array) -> Array:
        """x -> (b, i, j, u, v, c), copied: at [n, i, j, u, v] is x[n, i + u, j + v]."""
        seen = sliding_window_view(values, (self._size, self._size), axis=(1, 2))
        seen = seen.transpose(0, 1, 2, 4, 5, 3)
        windows = self._memory.take("windows", seen.shape, self._dtype)
        np.copyto(windows, seen)
        return windows


class ReLU:
    """y = max(x, 0), element by element (Nair and Hinton, 2010).

    ∂y/∂x is 1 where x > 0 and, by the frameworks' convention, 0 where x = 0.
    """

    def __init__(self) -> None:
        self._memory = Memory()

    def forward(self, values: Array, training: bool) -> Array:
        positive = self._memory.take("positive", values.shape, np.bool_)
        self._positive = np.greater(values, 0, out=positive)
        outputs = self._memory.take("outputs", values.shape, values.dtype)
        return np.maximum(values, 0, out=outputs)

    def backward(self, gradient: Array) -> Array:
        result = self._memory.take("gradient", gradient.shape, gradient.dtype)
        return np.multiply(gradient, self._positive, out=result)


class MaxPooling:
    """The largest of each 2x2 block. (b, height, width, c) -> (b, height // 2, width // 2, c).

    An odd last row or column is dropped. The gradient goes to the largest alone; of several,
    to the first in reading order, as in PyTorch.
    """

    def __init__(self) -> None:
        self._memory = Memory()

    def forward(self, values: Array, training: bool) -> Array:
        self._inputs = values
        batch, height, width, channels = values.shape
        shape = (batch, height // 2, width // 2, channels)
        self._outputs = self._memory.take("outputs", shape, values.dtype)
        first, *others = self._corners(values)
        np.copyto(self._outputs, first)
        for corner in others:
            np.maximum(self._outputs, corner, out=self._outputs)
        return self._outputs

    def backward(self, gradient: Array) -> Array:
        result = self._memory.take("gradient", self._inputs.shape, gradient.dtype)
        result[:, 2 * gradient.shape[1] :] = 0  # what was dropped
        result[:, :, 2 * gradient.shape[2] :] = 0
        largest = self._memory.take("largest", gradient.shape, np.bool_)
        open_ = self._memory.take("open", gradient.shape, np.bool_)  # no largest found yet
        open_[...] = True
        for corner, target in zip(self._corners(self._inputs), self._corners(result), strict=True):
            np.equal(corner, self._outputs, out=largest)
            largest &= open_
            open_ ^= largest
            np.multiply(gradient, largest, out=target)
        return result

    @staticmethod
    def _corners(values: Array) -> Iterator[Array]:
        """The top left of every block, the top right, the bottom left, the bottom right."""
        height, width = (size // 2 * 2 for size in values.shape[1:3])
        for row, column in product(range(2), repeat=2):
            yield values[:, row:height:2, column:width:2]


class Reshape:
    """The same numbers in another shape. (b, ...) -> (b, *shape); one of ``shape`` may be -1."""

    def __init__(self, *shape: int) -> None:
        self._shape = shape

    def forward(self, values: Array, training: bool) -> Array:
        self._input_shape = values.shape
        return values.reshape(len(values), *self._shape)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self._input_shape)


class Flatten(Reshape):
    """One row an image, in (height, width, channel) order."""

    def __init__(self) -> None:
        super().__init__(-1)


class Dropout:
    """In training, zero each value with probability ``rate``; else do nothing.

    y = x·m / (1 - rate), m = 0 with probability ``rate`` and 1 otherwise, drawn anew for every
    value of every batch (Srivastava and others, 2014). The division, 'inverted dropout', keeps
    the mean of y that of x, so that nothing has to be scaled when it is off.
    """

    def __init__(self, rate: float, random: np.random.Generator) -> None:
        self.rate = rate
        self._random = random
        self._memory = Memory()

    def forward(self, values: Array, training: bool) -> Array:
        self._on = training and self.rate > 0
        if not self._on:
            return values
        drawn = self._memory.take("drawn", values.shape, np.float32)
        self._random.random(out=drawn, dtype=np.float32)
        kept = self._memory.take("kept", values.shape, np.bool_)
        self._kept = np.greater_equal(drawn, self.rate, out=kept)
        return self._scaled("outputs", values)

    def backward(self, gradient: Array) -> Array:
        return self._scaled("gradient", gradient) if self._on else gradient

    def _scaled(self, name: str, values: Array) -> Array:
        result = self._memory.take(name, values.shape, values.dtype)
        np.multiply(values, self._kept, out=result)
        result /= 1 - self.rate
        return result


class Network:
    """Layers one behind the other; the names are those of the other frameworks' model files.

    ``parameters`` and ``gradients`` are the arrays themselves, keyed ``LAYER/kernel`` and
    ``LAYER/bias`` in layer order and in the neutral layout: an optimiser works on them in place.
    The parameters are zero until they are given values (``models.weights``).
    """

    def __init__(
        self, layers: Mapping[str, Layer], *, dtype: DTypeLike, random: np.random.Generator
    ) -> None:
        """``random``: the generator that the Dropout layers draw from."""
        self.layers = dict(layers)
        self.random = random
        self.dtype = np.dtype(dtype)
        trainable = {name: layer for name, layer in layers.items() if isinstance(layer, Trainable)}
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        for name, layer in trainable.items():
            self.parameters |= {f"{name}/{kind}": a for kind, a in layer.parameters.items()}
            self.gradients |= {f"{name}/{kind}": a for kind, a in layer.gradients.items()}
        self._first = next(iter(trainable.values()))

    def seed(self, seed: int) -> None:
        """Let dropout draw from a seed: numbers of its own, no other's that has this seed."""
        own = np.random.SeedSequence(seed, spawn_key=(0, 0))  # a grandchild: weights get children
        self.random.bit_generator.state = np.random.default_rng(own).bit_generator.state

    def forward(self, images: NDArray[np.floating], *, training: bool = False) -> Array:
        """(b, 28, 28) images -> (b, classes) logits, overwritten by the next call.

        ``training``: whether dropout is on.
        """
        values: Array = np.asarray(images, self.dtype)
        for layer in self.layers.values():
            values = layer.forward(values, training)
        return values

    def backward(self, gradient: Array) -> None:
        """∂L/∂logits -> ``gradients``, by the chain rule from the last layer to the first.

        Ends at the first layer with parameters: nobody asks how the loss depends on the images.
        """
        for layer in reversed(self.layers.values()):
            if layer is self._first:
                break
            gradient = layer.backward(gradient)
        self._first.parameter_gradients(gradient)


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean loss over a batch and its gradient with respect to the logits.

    p = softmax(z), L = -(1/b) Σ log p[label], ∂L/∂z = (p - onehot(label)) / b (Bishop, *Pattern
    Recognition and Machine Learning*, 2006, sections 4.3.4 and 5.2). With the largest logit taken
    from all before the exponential nothing overflows, and p is the same.

    Args:
        logits: (b, classes), float32 or float64.
        labels: (b,) in 0..classes-1.
    """
    images = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    losses = np.log(sums[:, 0]) - shifted[images, labels]
    gradient = exponentials / sums
    gradient[images, labels] -= 1
    gradient /= len(labels)
    return float(losses.mean()), gradient
