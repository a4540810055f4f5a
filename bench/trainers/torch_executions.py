"""How PyTorch takes a step: the same mathematics, done in eight ways, a class each.

    eager            Python gives the device one operation after the other
    tuned            so too, with memory that is kept and images asked in blocks; the CPU alone
    channels-last    so too, with images channels last inside; a GPU alone: a CPU always has them so
    compiled         TorchInductor writes the network's kernels; the rest as eager
    compiled-step    it writes those of the whole loss too, from the gathering of the batch on
    reduce-overhead  so too, and what it wrote is replayed as CUDA graphs
    cuda-graph       the whole step, optimiser included, is recorded once and replayed
    data-parallel    eager on each replica's share of a batch; all average their gradients

``bench.trainers.pytorch`` asks ``choose`` for one of them and knows no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from bench.experiment import PARALLEL, Experiment
from bench.machine import heap
from bench.trainers import torch_device

Forward = Callable[[Any], torch.Tensor]  # b images, or graphs -> (b, classes) or (b, d) float32
Loss = Callable[[torch.Tensor], torch.Tensor]  # (b,) indices of images -> their mean loss, ()
Step = Callable[[torch.Tensor], None]  # (b,) indices of images: one step of the optimiser
Unchanged = Callable[[], AbstractContextManager[None]]  # a trainer ends it as it began it


class Execution(Protocol):
    """How steps are taken: what a trainer hands over is given back, as it is or done otherwise."""

    word: str  # of ``bench.experiment.EXECUTIONS``
    compiler: str  # in words

    def forward(self, network: nn.Module) -> Forward:
        """The network as a step runs it."""
        ...

    def answers(self, network: nn.Module, forward: Forward) -> Forward:
        """The network as it is asked; ``forward``: as a step runs it."""
        ...

    def loss(self, loss: Loss) -> Loss:
        """Gathering of a batch, network and loss, as a step runs them."""
        ...

    def step(self, step: Step, unchanged: Unchanged) -> Step:
        """The whole step. Whatever is tried out within ``unchanged`` leaves no trace."""
        ...

    def optimizer(self, network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
        """The optimiser of the experiment."""
        ...

    def placed(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Hear where the training data lie on the device."""
        ...

    def renewed(self, held: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Other training images on the device; ``held``: those that were there so far."""
        ...

    def observed(self) -> str:
        """How steps were taken in fact, a word of ``bench.experiment.EXECUTIONS``."""
        ...

    def settings(self) -> dict[str, str]:
        """What else a record is to say of it."""
        ...


class Eager:
    """Each operation as Python comes to it. The others say what they do otherwise."""

    word = "eager"
    compiler = "none (eager)"

    def forward(self, network: nn.Module) -> Forward:
        return network

    def answers(self, network: nn.Module, forward: Forward) -> Forward:
        return forward

    def loss(self, loss: Loss) -> Loss:
        return loss

    def step(self, step: Step, unchanged: Unchanged) -> Step:
        return step

    def optimizer(self, network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
        return torch_device.optimizer(network, experiment)

    def placed(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        pass

    def renewed(self, held: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return images.to(held.device)

    def observed(self) -> str:
        return self.word

    def settings(self) -> dict[str, str]:
        return {}


BLOCK = 128  # images answered at once: see Tuned


class Tuned(Eager):
    """What a CPU needs to do the same at its own speed: see docs/method.md, PyTorch on the CPU.

    Memory that is freed is kept for the next tensor. A network with convolutions answers 128
    images at a time: what one layer leaves to the next, 11 MB of the first one, then comes out of
    the cache, where of 1,024 images it would be 89 MB. The third part is in the environment of
    its process (``Framework.environment_of``): threads that wait for one another sleep sooner.
    """

    word = "tuned"

    def __init__(self) -> None:
        self._heap = heap.keep()  # before there are tensors

    def answers(self, network: nn.Module, forward: Forward) -> Forward:
        if not any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
            return forward  # products of matrices are the faster the larger they are

        def in_blocks(images: torch.Tensor) -> torch.Tensor:
            return torch.cat([forward(block) for block in torch.split(images, BLOCK)])

        return in_blocks

    def settings(self) -> dict[str, str]:
        return {"freed memory": self._heap}


class ChannelsLast(Eager):
    """Images lie channels last in a network with convolutions, as cuDNN's tensor cores take them.

    What PyTorch's own tuning guide advises for a GPU, and nobody's default. See
    https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html
    """

    word = "channels-last"

    def forward(self, network: nn.Module) -> Forward:
        """The same network, its kernels in another order."""
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def observed(self) -> str:
        """As the kernels lie now."""
        last = torch_device.memory_layout(self._network) == "channels last"
        return self.word if last else "eager"


class Compiled(Eager):
    """The network compiled, forward and backward; all else as Python comes to it."""

    word = "compiled"
    compiler = "TorchInductor"

    def forward(self, network: nn.Module) -> Forward:
        return _compiled(network)

    def observed(self) -> str:
        # Where torch.compile is switched off, it hands a network back without a word.
        return self.word if torch_device.graphs_compiled() else "eager"


class CompiledStep(Compiled):
    """One program from the indices of a batch to its loss, and one back to the gradients.

    So the gathered images and the loss are no tensors of their own where the compiler can do
    without. The optimiser stays outside: it is one kernel already. A part that Python would have to
    run is an error, and no silent break in the program (``fullgraph``).
    """

    word = "compiled-step"

    def forward(self, network: nn.Module) -> Forward:
        return network  # it is compiled with the loss

    def answers(self, network: nn.Module, forward: Forward) -> Forward:
        return _compiled(network)

    def loss(self, loss: Loss) -> Loss:
        return _compiled(loss, fullgraph=True)


class ReduceOverhead(CompiledStep):
    """The same programs, replayed by the driver as CUDA graphs: one launch in place of dozens.

    torch.compile records forward and backward apart and looks after their memory. It copies every
    argument into memory of its own before a replay, but for what it is told stays where it is.
    """

    word = "reduce-overhead"
    compiler = "TorchInductor, with CUDA graphs"

    def loss(self, loss: Loss) -> Loss:
        compiled = _compiled(loss, fullgraph=True, mode="reduce-overhead")

        def marked(batch: torch.Tensor) -> torch.Tensor:
            # What the last step left in the graphs' memory may be overwritten from here on.
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            return compiled(batch)

        return marked

    def placed(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        for data in (images, labels):
            torch._dynamo.mark_static_address(data)

    def renewed(self, held: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return held.copy_(images)

    def observed(self) -> str:
        observed = super().observed()
        if observed == self.word and torch_device.cuda_graphs_refused():
            return CompiledStep.word  # it says so in a log alone
        return observed


class CudaGraph(Eager):
    """A whole step recorded once for each batch size, and replayed: one launch a step.

    A graph holds kernels with their arguments: addresses and plain numbers. So all that changes
    from step to step has to be in tensors that stay where they are: the indices of the batch, the
    rate of Adam, its count of steps, the sum of losses; and state is put back in place. Answers
    are given as eager does: the graph is of the step.
    """

    word = "cuda-graph"
    compiler = "none (a CUDA graph of a step)"

    def __init__(self) -> None:
        self._steps: _RecordedSteps | None = None

    def step(self, step: Step, unchanged: Unchanged) -> Step:
        self._steps = _RecordedSteps(step, unchanged, Recorder())
        return self._steps

    def optimizer(self, network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
        return recordable_optimizer(network, experiment)

    def renewed(self, held: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return held.copy_(images)

    def observed(self) -> str:
        return self.word if self._steps and self._steps.replayed else "eager"


class DataParallel(Eager):
    """DistributedDataParallel around the network, in each process of a process group.

    It averages gradients while the backward pass still computes others, a few megabytes at a time,
    and starts with every process at the weights of the first. See
    https://docs.pytorch.org/docs/stable/notes/ddp.html
    """

    word = PARALLEL

    def forward(self, network: nn.Module) -> Forward:
        self.wrapped = DistributedDataParallel(network, gradient_as_bucket_view=True)
        return self.wrapped

    def answers(self, network: nn.Module, forward: Forward) -> Forward:
        return network  # one replica answers, and waits for no other

    def observed(self) -> str:
        return self.word if self.wrapped.require_backward_grad_sync else Eager.word


_ALL: Mapping[str, type[Eager]] = {
    each.word: each
    for each in (
        *(Eager, Tuned, ChannelsLast, Compiled, CompiledStep, ReduceOverhead, CudaGraph),
        DataParallel,
    )
}


def choose(word: str) -> Execution:
    """How an execution takes its steps; ``word``: of ``bench.experiment.EXECUTIONS``."""
    return _ALL[word]()


def compiler(word: str) -> str:
    """What compiles in an execution."""
    return _ALL[word].compiler


def _compiled(work: Forward, **options: Any) -> Forward:
    """Compile for each batch shape on its own, and never run uncompiled without a word."""
    torch._dynamo.config.recompile_limit = 64  # shapes, over all networks of the process
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    return torch.compile(work, dynamic=False, **options)


# Recording a step


WARM_UPS = 3  # steps before recording: cuDNN chooses its kernels, libraries take their memory


class Records(Protocol):
    """What can try work out, and record it."""

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do it a few times."""
        ...

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Have it recorded, not done; what does it each time it is called."""
        ...


class Recorder:
    """CUDA's own: work on a stream is captured instead of done.

    Both on one side stream: autograd adds gradients up on the stream on which it first met a
    weight, and work on another cannot be captured. Random numbers need nothing: PyTorch gives the
    graph its generator, and moves it on with each replay.
    """

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(self, work: Callable[[], None]) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            work()
        return graph.replay


class _RecordedSteps:
    """A step that is recorded when a batch size is first met: in the warm-up, as it meets all."""

    def __init__(self, step: Step, unchanged: Unchanged, recorder: Records) -> None:
        self.replayed = False
        self._step = step
        self._unchanged = unchanged
        self._recorder = recorder
        self._recorded: dict[int, tuple[torch.Tensor, Callable[[], None]]] = {}

    def __call__(self, batch: torch.Tensor) -> None:
        if len(batch) not in self._recorded:
            self._recorded[len(batch)] = self._record(batch)
        indices, replay = self._recorded[len(batch)]
        indices.copy_(batch)
        replay()
        self.replayed = True

    def _record(self, batch: torch.Tensor) -> tuple[torch.Tensor, Callable[[], None]]:
        indices = batch.clone()
        with self._unchanged():
            self._recorder.warm_up(lambda: self._step(indices))
            replay = self._recorder.record(lambda: self._step(indices))
        return indices, replay


# Optimisers with nothing of a step left in Python


class _InPlace(torch.optim.Optimizer):
    """State is there from the start, and is put back into the tensors that hold it."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the values of a copy of its own ``state_dict()``."""
        held, given = _tensors(self.state_dict()), _tensors(state_dict)
        for tensor, value in zip(held, given, strict=True):
            tensor.copy_(value)


def _tensors(state: dict[str, Any]) -> Iterator[torch.Tensor]:
    for holder in (*state["state"].values(), *state["param_groups"]):
        yield from (value for value in holder.values() if isinstance(value, torch.Tensor))


class SGD(_InPlace, torch.optim.SGD):
    """Its count of steps is a tensor, and its momentum begins as zeros, of which nothing is left
    after the first step: μ·0 + g = g."""


class Adam(_InPlace, torch.optim.Adam):
    """Adam whose rate is a tensor."""


def recordable_optimizer(network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
    """``torch_device.optimizer``, of which a recorded step makes the same update each time.

    Of matched Adam a graph would freeze the ε that is a new plain number each step: weights were
    3e-3 off after 20 steps. But Keras's update is the kernel's own at t = ∞, where it corrects
    nothing, with ε = ε̂ and the rate lr · √(1-β₂ᵗ)/(1-β₁ᵗ); and a rate it takes as a tensor.
    """
    parameters = list(network.parameters())
    rate = experiment.learning_rate
    if experiment.optimizer == "sgd":
        sgd = SGD(parameters, lr=rate, momentum=experiment.momentum, fused=True)
        if experiment.momentum:
            sgd.state.update({p: {"momentum_buffer": torch.zeros_like(p)} for p in parameters})
        sgd.param_groups[0]["steps_done"] = _count(parameters)
        sgd.register_step_post_hook(torch_device.count_step)
        return sgd
    own = "adam-epsilon" in experiment.native
    adam = Adam(
        parameters,
        lr=rate if own else torch.tensor(rate, device=parameters[0].device),
        betas=torch_device.BETAS,
        fused=True,
        capturable=True,
    )
    started = 0.0 if own else torch.inf  # steps, by which the kernel corrects its means
    for p in parameters:
        adam.state[p] = {
            "step": torch.tensor(started, device=p.device),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
    if not own:
        adam.param_groups[0] |= {
            "eps": experiment.adam_epsilon,
            "epsilon_hat": experiment.adam_epsilon,
            "steps_done": _count(parameters),
            "rates": corrected_rates(rate).to(parameters[0].device),
        }
        adam.register_step_pre_hook(_set_rate)
    return adam


def _count(parameters: list[nn.Parameter]) -> torch.Tensor:
    return torch.zeros((), dtype=torch.int64, device=parameters[0].device)


CONVERGED = 40_000  # steps after which 0.999ᵗ is less than 2⁻⁵³: √(1-β₂ᵗ)/(1-β₁ᵗ) is 1


def corrected_rates(rate: float) -> torch.Tensor:
    """(CONVERGED + 1,) float32: lr · √(1-β₂ᵗ)/(1-β₁ᵗ) of steps t = 1, 2, ..., t = 0 unused.

    A table, since looking a rate up is two small kernels a step and computing it would be eight;
    in float64, since 1 - 0.999 in float32 has lost a third of its digits.
    """
    t = torch.arange(CONVERGED + 1, dtype=torch.float64)
    first, second = (1 - torch.pow(beta, t) for beta in torch_device.BETAS)
    return (rate * second.sqrt() / first).float()


def _set_rate(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    group = optimizer.param_groups[0]
    steps, rates = group["steps_done"].add_(1), group["rates"]
    torch.take(rates, steps.clamp(max=len(rates) - 1), out=group["lr"])
