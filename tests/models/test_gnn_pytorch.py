"""The graph network: its layers against their equations, and what must not change its answer."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from datasets import superpixels
from datasets.superpixels import NEIGHBOURS, Graphs
from tests.strokes import strokes

torch = pytest.importorskip("torch", reason="the framework of the graph network")
pytest.importorskip("torch_geometric", reason="passes its messages")
pytest.importorskip("skimage", reason="builds the superpixels")

# PyTorch, of PyTorch Geometric's own code as it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning")

PARAMETERS = {10: 65_566, 26: 67_630}


@pytest.fixture(scope="module")
def graphs() -> Graphs:
    return superpixels.build(strokes(12))


def network(classes: int = 10, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return models.load("gnn", "pytorch").build(classes).eval()


def batch(graphs: Graphs, *indices: int) -> Any:
    from models.gnn_pytorch import GraphStore

    device = torch.device("cpu")
    store = GraphStore(graphs.nodes, graphs.offsets, graphs.neighbours, device)
    return store[torch.tensor(indices or range(len(graphs)))]


def logits(net: Any, graphs: Graphs, *indices: int) -> NDArray[np.float32]:
    with torch.inference_mode():
        found: NDArray[np.float32] = net(batch(graphs, *indices)).numpy()
    return found


@pytest.mark.parametrize("classes", PARAMETERS)
def test_the_parameters_are_those_of_the_docstring(classes: int) -> None:
    net = network(classes)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[classes]
    assert list(net.buffers()) == []  # weights are all there is to save


def test_no_code_is_written_into_the_temporary_folder() -> None:
    network()
    assert [name for name in sys.modules if "MixtureConvolution_propagate" in name] == []


def test_a_batch_holds_the_graphs_asked_for_as_one(graphs: Graphs) -> None:
    chosen = graphs.select(np.array([5, 0, 5]))
    nodes, edges, offsets = batch(graphs, 5, 0, 5)
    np.testing.assert_array_equal(nodes, chosen.nodes)
    np.testing.assert_array_equal(offsets, chosen.offsets)
    sources, targets = edges.numpy()
    np.testing.assert_array_equal(targets, np.repeat(np.arange(len(nodes)), NEIGHBOURS))
    first = np.repeat(chosen.offsets[:-1], chosen.sizes)
    wanted = chosen.neighbours.astype(np.int64) + first[:, None]
    np.testing.assert_array_equal(sources, wanted.ravel())


def test_a_convolution_is_its_equation(graphs: Graphs) -> None:
    net = network()
    weights = {name: array.astype(np.float64) for name, array in net.neutral_weights().items()}
    graph = graphs.select(np.array([3]))
    with torch.inference_mode():
        one = batch(graphs, 3)
        computed = net.conv_1(one.nodes, one.edges, net.kernels(one)).numpy()
    for node in range(0, len(graph.nodes), 7):
        np.testing.assert_allclose(computed[node], _by_hand(weights, graph, node), atol=1e-5)


def _by_hand(weights: dict[str, NDArray[Any]], graph: Graphs, node: int) -> NDArray[Any]:
    """The first convolution of one node, sum by sum, as the docstring of the model has it."""
    x = graph.nodes.astype(np.float64)
    around = weights["conv_1.around/kernel"].reshape(9, 3, 32)
    h = x[node] @ weights["conv_1.centre/kernel"] + weights["conv_1.centre/bias"]
    for m in range(9):
        mean, precision = weights["kernels/means"][m], weights["kernels/precisions"][m]
        for neighbour in graph.neighbours[node]:
            away = x[neighbour, 1:] - x[node, 1:]
            bump = np.exp(-0.5 * (precision**2 * (away - mean) ** 2).sum())
            h = h + bump * x[neighbour] @ around[m]
    h = np.maximum(h, 0)
    h = (h - h.mean()) / np.sqrt(h.var() + 1e-5)  # PyTorch's LayerNorm
    found: NDArray[Any] = h * weights["conv_1.norm/scale"] + weights["conv_1.norm/bias"]
    return found


def test_the_numbering_of_nodes_changes_nothing(graphs: Graphs) -> None:
    graph = graphs.select(np.array([4]))
    order = np.random.default_rng(0).permutation(len(graph.nodes))
    place = np.argsort(order).astype(np.uint8)  # of each old node in the new numbering
    renumbered = dataclasses.replace(
        graph, nodes=graph.nodes[order], neighbours=place[graph.neighbours[order]]
    )
    net = network()
    np.testing.assert_allclose(logits(net, renumbered), logits(net, graph), atol=1e-5)
    strayed = dataclasses.replace(renumbered, neighbours=graph.neighbours)
    assert np.abs(logits(net, strayed) - logits(net, graph)).max() > 1e-3


def test_the_order_of_neighbours_changes_nothing(graphs: Graphs) -> None:
    turned = dataclasses.replace(graphs, neighbours=graphs.neighbours[:, ::-1].copy())
    net = network()
    np.testing.assert_allclose(logits(net, turned), logits(net, graphs), atol=1e-5)


def test_graphs_in_a_batch_are_answered_as_each_alone(graphs: Graphs) -> None:
    net = network()
    together = logits(net, graphs)
    alone = np.concatenate([logits(net, graphs, index) for index in range(len(graphs))])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert together.std(axis=0).max() > 1e-3  # they are not all the same answer


def test_an_answer_hangs_on_intensity_on_place_and_on_edges(graphs: Graphs) -> None:
    net = network()
    before = logits(net, graphs)
    for column in range(3):
        nodes = graphs.nodes.copy()
        nodes[:, column] = nodes[:, column] * 0.8
        changed = logits(net, dataclasses.replace(graphs, nodes=nodes))
        assert np.abs(changed - before).max() > 1e-3, column
    cut = dataclasses.replace(graphs, neighbours=np.zeros_like(graphs.neighbours))
    assert np.abs(logits(net, cut) - before).max() > 1e-3


def test_neutral_weights_make_another_network_the_same(graphs: Graphs) -> None:
    one, other = network(seed=1), network(seed=2)
    weights = one.neutral_weights()
    assert weights["conv_2.around/kernel"].shape == (9 * 32, 48)  # in, out
    assert sum(array.size for array in weights.values()) == PARAMETERS[10]
    other.load_neutral_weights(weights)
    np.testing.assert_array_equal(logits(other, graphs), logits(one, graphs))
    for array in weights.values():
        array[...] = 9  # a copy: neither network sees it
    np.testing.assert_array_equal(logits(other, graphs), logits(one, graphs))


def test_without_dropout_training_and_evaluation_compute_the_same(graphs: Graphs) -> None:
    torch.manual_seed(0)
    net = models.load("gnn", "pytorch").build(10, dropout=False)
    trained = logits(net.train(), graphs)
    np.testing.assert_array_equal(trained, logits(net.eval(), graphs))
    assert not np.array_equal(logits(network().train(), graphs), logits(network(), graphs))
