"""Graphs as PyTorch tensors: all of a data set, and the batches cut from them. No network.

A batch of graphs is one large graph whose parts are not connected, as PyTorch Geometric has it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor


class GraphBatch(NamedTuple):
    """b graphs with N nodes in all, every one of them with k neighbours."""

    nodes: Tensor  # (N, 3) float32: mean intensity 0..1; centroid's row, column, -1..1
    edges: Tensor  # (2, N·k) int64: from a neighbour, to a node; sorted by the node
    offsets: Tensor  # (b + 1,) int64: graph g has the nodes offsets[g] to offsets[g + 1]


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
        offsets = torch.nn.functional.pad(sizes.cumsum(0), (1, 0))
        first = torch.repeat_interleave(offsets[:-1], sizes)  # node of each node's graph
        places = torch.arange(len(first), device=first.device)
        rows = places + torch.repeat_interleave(starts - offsets[:-1], sizes)
        sources = self._neighbours[rows].long() + first[:, None]
        targets = places[:, None].expand_as(sources)
        edges = torch.stack([sources.flatten(), targets.flatten()])
        return GraphBatch(nodes=self._nodes[rows], edges=edges, offsets=offsets)
