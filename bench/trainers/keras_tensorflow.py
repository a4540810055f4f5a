"""Keras on TensorFlow: its graph ('graph'), or that compiled by XLA, a step ('compiled') or a whole
stretch of steps ('epoch') at a time; or the graph on several devices ('data-parallel').
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it when it is imported

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.config import is_op_determinism_enabled  # has no public name

from bench.experiment import PARALLEL, Experiment
from bench.machine import settings
from bench.trainers import DeviceMemory, FrameworkMissing, Setup, Trainer, keras
from bench.trainers.batches import stretches_to_come
from bench.trainers.keras_parallel import ParallelTrainer
from bench.trainers.keras_resident import ResidentTrainer


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    of_execution = {"epoch": KerasTensorFlowEpochTrainer, PARALLEL: KerasTensorFlowParallelTrainer}
    return of_execution.get(setup.experiment.execution, KerasTensorFlowTrainer)(setup)


class KerasTensorFlowTrainer(keras.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        _set_precision(setup.experiment)
        self._gpu = _choose(setup.experiment.device, setup.experiment.replicas)
        plain = setup.experiment.execution in ("graph", PARALLEL)
        super().__init__(setup, jit_compile=not plain)

    def arrange(self, order: NDArray[np.int64]) -> None:
        super().arrange(order)
        # fit would make these tensors itself, on the GPU where there is one, and read them back.
        # Its users pay for that once in all their epochs; here every stretch is a call of fit.
        with tf.device("CPU:0"):
            images, labels = map(tf.convert_to_tensor, self._arranged)
        self._arranged = images, labels

    def synchronize(self) -> None:
        tf.test.experimental.sync_devices()

    def observed_execution(self) -> str:
        if self._model.run_eagerly or tf.config.functions_run_eagerly():
            return "eager"
        return "compiled" if self._model.jit_compile else "graph"  # XLA has to, or it raises

    def device_memory(self) -> DeviceMemory | None:
        if not self._gpu:
            return None
        held = tf.config.experimental.get_memory_info("GPU:0")
        return DeviceMemory(now=int(held["current"]), peak=int(held["peak"]))

    def reset_peak_memory(self) -> None:
        if self._gpu:
            tf.config.experimental.reset_memory_stats("GPU:0")

    def _backend_settings(self) -> dict[str, str]:
        asked = tf.config.threading.get_intra_op_parallelism_threads()  # 0: nobody asked
        # TensorFlow tells no one how many it took: by its source, one for each processor.
        pool = asked or len(settings.processors())
        compiled = bool(self._model.jit_compile)
        observed = {
            "device name": "CPU",
            "devices": ", ".join(device.name for device in tf.config.list_logical_devices()),
            "threads": str(pool),
            "threads chosen by": "the process" if asked else "TensorFlow",
            "compiler": "XLA" if compiled else "none (graph)",
            "XLA": "on" if compiled else "off",
            "TF32": settings.NOT_HERE,
            "determinism": "on" if is_op_determinism_enabled() else "off",
            "preallocation": settings.NOT_HERE,
        }
        return observed | (self._gpu_settings() if self._gpu else {})

    def _gpu_settings(self) -> dict[str, str]:
        config, build = tf.config.experimental, tf.sysconfig.get_build_info()
        return {
            "device name": config.get_device_details(self._gpu)["device_name"],
            "TF32": "on" if config.tensor_float_32_execution_enabled() else "off",
            "preallocation": "off" if config.get_memory_growth(self._gpu) else "on",
            "CUDA": str(build.get("cuda_version")),
            "cuDNN": str(build.get("cudnn_version")),
        }


class KerasTensorFlowEpochTrainer(ResidentTrainer, KerasTensorFlowTrainer):
    """A whole stretch as one program of XLA: a loop over Keras's own ``train_step``."""

    def build(self) -> None:
        super().build()
        self._program = tf.function(self._stretch, jit_compile=True, autograph=False)

    def _stretch(self, images: Any, labels: Any, batches: Any, steps: Any) -> None:
        def step(number: Any) -> tuple[Any]:
            batch = batches[number]
            self._model.train_step((tf.gather(images, batch), tf.gather(labels, batch)))
            return (number + 1,)

        tf.while_loop(lambda number: number < steps, step, (tf.constant(0),))

    def _to_device(self, array: NDArray[Any]) -> Any:
        return tf.convert_to_tensor(array)

    def _warm_up_orders(self) -> list[NDArray[np.int64]]:
        return stretches_to_come(self._setup) if self._gpu else super()._warm_up_orders()

    def arrange(self, order: NDArray[np.int64]) -> None:
        super().arrange(order)
        if self._gpu:
            # The number of steps is a constant of the program: a loop whose end has to be
            # computed waits in each round for the host to read it.
            self._pieces = [(batches, len(batches)) for batches in self._pieces]
        else:
            # XLA compiles for TensorFlow when a program is first run, and a whole stretch as a
            # warm-up would double a short run: one program for all, told how many steps to take.
            self._pieces = [self._padded(batches) for batches in self._pieces]

    def _padded(self, batches: Any) -> tuple[Any, Any]:
        """As many rows as the longest stretch to come has of such batches, and how many count."""
        steps, size = batches.shape
        most = max(len(order) // size for order in stretches_to_come(self._setup))
        full = size == self._setup.experiment.batch_size
        missing = max(0, most - steps) if full else 0
        return tf.pad(batches, ((0, missing), (0, 0))), tf.constant(steps)

    def _advance(self, batches: Any) -> None:
        rows, steps = batches
        self._program(self._images, self._labels, rows, steps)

    def observed_execution(self) -> str:
        execution = super().observed_execution()
        traced = self._program.experimental_get_tracing_count() > 0
        return "epoch" if execution == "compiled" and traced else execution


class KerasTensorFlowParallelTrainer(ParallelTrainer, KerasTensorFlowTrainer):
    """``tf.distribute.MirroredStrategy``: the graph on each device, gradients summed over all.

    On a CPU the devices are logical ones of one.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        kind, replicas = ("GPU" if self._gpu else "CPU"), setup.experiment.replicas
        devices = tf.config.list_logical_devices(kind)[:replicas]
        self._strategy = tf.distribute.MirroredStrategy([device.name for device in devices])

    def _scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def _sharing(self) -> int:
        copies = self._strategy.experimental_local_results
        return min(len(copies(variable.value)) for variable in self._model.trainable_variables)

    def observed_execution(self) -> str:
        execution = super().observed_execution()
        return self._if_shared(execution) if execution == "graph" else execution


def cuda_build() -> str | None:
    """The CUDA that TensorFlow was built for, such as '12.5.1'; None: it was built without."""
    version: str | None = tf.sysconfig.get_build_info().get("cuda_version")
    return version


def _set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or TensorFlow's own default, which is on."""
    on = experiment.precision == "tf32" or "matmul-precision" in experiment.native
    tf.config.experimental.enable_tensor_float_32_execution(on)


def _choose(device: str, replicas: int) -> tf.config.PhysicalDevice | None:
    """Let TensorFlow see this device alone, or as many as there are replicas.

    The first GPU, or None for the CPU. Raises FrameworkMissing where a GPU is asked for and
    TensorFlow sees none, RuntimeError where it has cut this process's CPU otherwise already.
    """
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        if replicas > 1:
            logical = [tf.config.LogicalDeviceConfiguration()] * replicas
            (cpu,) = tf.config.list_physical_devices("CPU")
            tf.config.set_logical_device_configuration(cpu, logical)
        return None
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        raise FrameworkMissing(
            f"TensorFlow {tf.__version__} sees no CUDA device (built for CUDA: "
            f"{'yes' if tf.test.is_built_with_cuda() else 'no'}); it needs an NVIDIA GPU, its "
            "driver, and tensorflow[and-cuda] in an environment of its own"
        )
    tf.config.set_visible_devices(gpus[:replicas], "GPU")
    for gpu in gpus[:replicas]:
        tf.config.experimental.set_memory_growth(gpu, True)  # leave the rest to others
    return gpus[0]
