"""Keras on TensorFlow: its graph (execution 'graph'), or that compiled by XLA ('compiled')."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it when it is imported

import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled  # has no public name

from bench.experiment import Experiment
from bench.machine import settings
from bench.trainers import FrameworkMissing, Setup, Trainer, keras

keras.require_backend("tensorflow")


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return KerasTensorFlowTrainer(setup)


class KerasTensorFlowTrainer(keras.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        _set_precision(setup.experiment)
        self._gpu = _choose(setup.experiment.device)
        super().__init__(setup, jit_compile=setup.experiment.execution == "compiled")

    def synchronize(self) -> None:
        tf.test.experimental.sync_devices()

    def observed_execution(self) -> str:
        if self._model.run_eagerly or tf.config.functions_run_eagerly():
            return "eager"
        return "compiled" if self._model.jit_compile else "graph"  # XLA has to, or it raises

    def peak_device_memory_bytes(self) -> int | None:
        if not self._gpu:
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

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


def _set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or TensorFlow's own default, which is on."""
    on = experiment.precision == "tf32" or "matmul-precision" in experiment.native
    tf.config.experimental.enable_tensor_float_32_execution(on)


def _choose(device: str) -> tf.config.PhysicalDevice | None:
    """Let TensorFlow see this device alone; the GPU, or None for the CPU.

    Raises FrameworkMissing where a GPU is asked for and TensorFlow sees none.
    """
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return None
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        raise FrameworkMissing(
            f"TensorFlow {tf.__version__} sees no CUDA device (built for CUDA: "
            f"{'yes' if tf.test.is_built_with_cuda() else 'no'}); it needs an NVIDIA GPU, its "
            "driver, and tensorflow[and-cuda] in an environment of its own"
        )
    tf.config.set_visible_devices(gpus[:1], "GPU")
    tf.config.experimental.set_memory_growth(gpus[0], True)  # leave the rest to others
    return gpus[0]
