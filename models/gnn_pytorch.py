"""The graph network in PyTorch Geometric: Gaussian mixture convolutions on superpixels.

    layer      output shape   parameters
    conv_1     (N, 32)            1,056   9·3·32 + 3·32 + 32, and 64 of its normalisation
    conv_2     (N, 48)           15,504   9·32·48 + 32·48 + 48, and 96
    conv_3     (N, 64)           30,912   9·48·64 + 48·64 + 64, and 128
    kernels                          36   9 Gaussians with 2 means and 2 precisions each
    pooled     (b, 128)                   sum and maximum over the nodes of each graph
    dense      (b, 128)          16,768   128·128 + 128, and 256 of its normalisation
    logits     (b, C)             129·C   1,290 for C = 10; 3,354 for C = 26
                                 65,566   for C = 10; 67,630 for C = 26

N nodes in all graphs of a batch, each with k neighbours. A convolution is MoNet's (Monti et al.,
'Geometric deep learning on graphs and manifolds using mixture model CNNs', CVPR 2017, equations
9 to 11): what a 3x3 filter does on a grid, where its nine weights belong to nine places. Here a
neighbour j of node i lies anywhere, so each place is a bump around which weights fade, with the
neighbour's centroid u relative to the node's:

    g_m(u) = exp(-½ Σ_d precision_md² (u_d - mean_md)²)        m = 1 .. 9, d = row, column
    h_i = LayerNorm(ReLU(Σ_m W_m Σ_j g_m(u_j - u_i) x_j + W x_i + b))

The Gaussians begin on the grid that SLIC begins on and are learned, once for all layers. The sum
over j comes before the product with W, which is then on nodes, an eighth as many as edges; and
since every node has k neighbours, that sum is a product of small matrices and scatters nothing.

Nodes are pooled with their intensities as weights: five in six are background, alike in all
graphs, and a plain mean of all is nearly the same for every one of them; with it learning stood
still for an epoch or two. There is no batch normalisation, so that a graph's answer never hangs
on those beside it.

A batch of graphs is one large graph whose parts are not connected, as PyTorch Geometric has it;
``GraphStore`` cuts it from all graphs of a data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import segment

FEATURES, WIDTHS, DENSE = 3, (32, 48, 64), 128
NEIGHBOURS = 8
PLACES = 3  # along each side of the kernel
SPACING = 2 / 9  # of SLIC's first grid of 9 x 9, on a side from -1 to 1
WIDTH = 0.6  # of a Gaussian, as a share of the spacing
INK = 8.0  # about the sum of a graph's intensities: brings the pooled sum to the order of 1


def build(classes: int, *, dropout: bool = True) -> GraphNetwork:
    """A ``GraphBatch`` of b graphs in, (b, classes) float32 logits out.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    return GraphNetwork(classes, dropout=0.3 * dropout)


class GraphBatch(NamedTuple):
    """b graphs with N nodes in all, every one of them with k neighbours."""

    nodes: Tensor  # (N, 3) float32: mean intensity 0..1; centroid's row, column, -1..1
    edges: Tensor  # (2, N·k) int64: from a neighbour, to a node; sorted by the node
    offsets: Tensor  # (b + 1,) int64: graph g has the nodes offsets[g] to offsets[g + 1]


class GraphNetwork(nn.Module):
    """Three convolutions, a pooling over each graph, and a dense layer before the logits."""

    def __init__(self, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.kernels = GaussianKernels()
        self.conv_1 = MixtureConvolution(FEATURES, WIDTHS[0])
        self.conv_2 = MixtureConvolution(WIDTHS[0], WIDTHS[1])
        self.conv_3 = MixtureConvolution(WIDTHS[1], WIDTHS[2])
        self.dense = nn.Linear(2 * WIDTHS[2], DENSE)
        self.norm = nn.LayerNorm(DENSE)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(DENSE, classes)

    def forward(self, graphs: GraphBatch) -> Tensor:
        """(b, classes) logits."""
        logits: Tensor = self.logits(self.dropout(self.features(graphs)))
        return logits

    def features(self, graphs: GraphBatch) -> Tensor:
        """(b, 128), the penultimate layer after its activation."""
        weights = self.kernels(graphs)
        x = graphs.nodes
        for convolution in (self.conv_1, self.conv_2, self.conv_3):
            x = convolution(x, graphs.edges, weights)
        return functional.relu(self.norm(self.dense(_pooled(x, graphs))))

    def neutral_weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy on the host, in layer order: kernels as (in, out), all else as it is."""
        state = self.state_dict().items()
        return {
            _neutral(name, tensor): _turned(tensor.cpu().numpy(), name) for name, tensor in state
        }

    def load_neutral_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take what ``neutral_weights`` gives; it is copied."""
        state = self.state_dict().items()
        self.load_state_dict(
            {
                name: torch.from_numpy(_turned(weights[_neutral(name, tensor)], name))
                for name, tensor in state
            }
        )


class GaussianKernels(nn.Module):
    """How much a neighbour counts for each of the nine places, by where it lies."""

    def __init__(self) -> None:
        super().__init__()
        side = torch.linspace(-SPACING, SPACING, PLACES)
        self.means = nn.Parameter(torch.cartesian_prod(side, side))  # (9, 2)
        self.precisions = nn.Parameter(torch.full((PLACES**2, 2), 1 / (WIDTH * SPACING)))

    def forward(self, graphs: GraphBatch) -> Tensor:
        """(N, 9, k): of each node's neighbours; the exponent's square is multiplied out.

        One product with (u², u) then does for all edges and places.
        """
        source, target = graphs.edges
        centroids = graphs.nodes[:, 1:]
        away = centroids[source] - centroids[target]
        squares = self.precisions.square()
        quadratic = torch.cat([-0.5 * squares, squares * self.means], dim=1)  # (9, 4)
        constant = -0.5 * (squares * self.means.square()).sum(dim=1)
        exponents = functional.linear(torch.cat([away.square(), away], dim=1), quadratic, constant)
        return exponents.exp().view(-1, NEIGHBOURS, PLACES**2).transpose(1, 2)


class MixtureConvolution(MessagePassing):  # type: ignore[misc]  # it ships no types
    """One convolution, as PyTorch Geometric passes messages: message, aggregate, update."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(aggr="sum")
        self.around = nn.Linear(PLACES**2 * inputs, outputs, bias=False)
        self.centre = nn.Linear(inputs, outputs)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor, edges: Tensor, weights: Tensor) -> Tensor:
        """(N, in) features, (2, N·k) edges sorted by target, (N, 9, k) weights; (N, out)."""
        gathered = self.propagate(edges, x=x, weights=weights)
        h: Tensor = self.norm(functional.relu(self.around(gathered) + self.centre(x)))
        return h

    def propagate(self, edge_index: Tensor, size: None = None, **features: Tensor) -> Tensor:
        """As it is. A method of the class's own keeps PyTorch Geometric from writing a version
        made for it into the temporary folder, where every process would leave one behind.
        """
        passed: Tensor = super().propagate(edge_index, size, **features)
        return passed

    def message(self, x_j: Tensor) -> Tensor:
        """What a node is sent: its neighbour's features, (N·k, in)."""
        return x_j

    def aggregate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The weighted sums over each node's k neighbours, (N, 9·in): no scattering needed."""
        neighbourhoods = inputs.view(len(weights), NEIGHBOURS, -1)
        return torch.bmm(weights, neighbourhoods).flatten(1)


def _pooled(x: Tensor, graphs: GraphBatch) -> Tensor:
    """(N, d) features of the nodes to (b, 2·d) of the graphs, each node counted by its ink."""
    inked = x * graphs.nodes[:, :1]
    total = segment(inked, graphs.offsets, "sum") / INK
    return torch.cat([total, segment(inked, graphs.offsets, "max")], dim=1)


def _neutral(name: str, tensor: Tensor) -> str:
    """PyTorch's name in the neutral layout: 'conv_1.around.weight' is 'conv_1.around/kernel'."""
    layer, _, kind = name.rpartition(".")
    if kind == "weight":
        kind = "kernel" if tensor.ndim > 1 else "scale"
    return f"{layer}/{kind}"


def _turned(array: NDArray[Any], name: str) -> NDArray[Any]:
    """A copy; a dense kernel with its two axes exchanged."""
    return (array.T if array.ndim > 1 and name.endswith(".weight") else array).copy()


class GraphStore:
    """Graphs on a device, taken by index like the images they were made of."""

    def __init__(
        self,
        nodes: NDArray[Any],
        offsets: NDArray[Any],
        neighbours: NDArray[Any],
        device: torch.device,
    ) -> None:
        """See ``datasets.superpixels.Graphs``: (N, 3), (n + 1,) and (N, k); they are copied."""
        self.device = device
        self._nodes = torch.tensor(nodes, device=device)
        self._offsets = torch.tensor(offsets, device=device)
        self._neighbours = torch.tensor(neighbours, device=device)

    def __len__(self) -> int:
        """How many graphs there are."""
        return len(self._offsets) - 1

    def __getitem__(self, indices: Tensor) -> GraphBatch:
        """The graphs with these indices (b,) int64, in this order; no loop over them."""
        starts = self._offsets[indices]
        sizes = self._offsets[indices + 1] - starts
        offsets = functional.pad(sizes.cumsum(0), (1, 0))
        first = torch.repeat_interleave(offsets[:-1], sizes)  # node of each node's graph
        targets = torch.arange(len(first), device=first.device)
        rows = targets + torch.repeat_interleave(starts - offsets[:-1], sizes)
        sources = self._neighbours[rows].long() + first[:, None]
        edges = torch.stack([sources.flatten(), targets[:, None].expand_as(sources).flatten()])
        return GraphBatch(nodes=self._nodes[rows], edges=edges, offsets=offsets)
