"""Keras on TensorFlow: its graph (execution 'graph'), or that compiled by XLA ('compiled')."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it when it is imported

import tensorflow as tf

from bench.trainers import FrameworkMissing, Setup, Trainer
from bench.trainers import keras as keras_trainer

keras_trainer.require_backend("tensorflow")


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return KerasTensorFlowTrainer(setup)


class KerasTensorFlowTrainer(keras_trainer.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        self._gpu = _choose(setup.experiment.device)
        super().__init__(setup, jit_compile=setup.experiment.execution == "compiled")

    def synchronize(self) -> None:
        tf.test.experimental.sync_devices()

    def peak_device_memory_bytes(self) -> int | None:
        if not self._gpu:
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def _backend_settings(self) -> dict[str, str]:
        threading = tf.config.threading
        found = {
            "device name": "CPU",
            "devices": ", ".join(device.name for device in tf.config.list_logical_devices()),
            "threads": _threads(threading.get_intra_op_parallelism_threads()),
            "threads between operations": _threads(threading.get_inter_op_parallelism_threads()),
            "compiler": "XLA" if self._model.jit_compile else "none (graph)",
        }
        if self._gpu:
            tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
            build = tf.sysconfig.get_build_info()
            found |= {
                "device name": tf.config.experimental.get_device_details(self._gpu)["device_name"],
                "TF32": str(tf32),
                "CUDA": str(build.get("cuda_version")),
                "cuDNN": str(build.get("cudnn_version")),
            }
        return found


def _choose(device: str) -> tf.config.PhysicalDevice | None:
    """Let TensorFlow see this device alone, in full float32; the GPU, or None for the CPU.

    Raises FrameworkMissing where a GPU is asked for and TensorFlow sees none.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)  # alike in all frameworks
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


def _threads(number: int) -> str:
    return str(number) if number else f"0 (TensorFlow's choice, of {os.cpu_count()} cores)"
