"""Which of a machine's NVIDIA GPUs a process may use: CUDA_VISIBLE_DEVICES, read as CUDA reads it.

The driver's library, NVML, lists all GPUs of a machine whatever the variable says; CUDA, and with
it every framework, sees those alone that it names, in its order ('CUDA Environment Variables' in
NVIDIA's CUDA C++ Programming Guide). One thing is otherwise here: of a GPU that is cut into MIG
instances all are listed, each a GPU that a process can be given, where CUDA takes the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Answer = TypeVar("Answer")

VISIBLE = "CUDA_VISIBLE_DEVICES"


def ask(question: Callable[[Any, Any], Answer]) -> list[Answer]:
    """What NVIDIA's driver answers of each GPU that this process may use, in CUDA's order.

    Empty where there is no driver. ``question``: is given the module ``pynvml`` and the handle of
    a GPU.
    """
    try:
        import pynvml  # the import name of nvidia-ml-py
    except ModuleNotFoundError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver: a machine without an NVIDIA GPU
        return []
    try:
        return [question(pynvml, gpu) for gpu in handles(pynvml, os.environ.get(VISIBLE))]
    finally:
        pynvml.nvmlShutdown()


def handles(nvml: Any, chosen: str | None) -> list[Any]:
    """NVML's handles of the GPUs that a value of the variable leaves, in its order.

    Args:
        nvml: the module ``pynvml``, initialised.
        chosen: the variable's value; None where it is not set, which leaves all.
    """
    numbers = range(nvml.nvmlDeviceGetCount())
    every = [nvml.nvmlDeviceGetHandleByIndex(number) for number in numbers]
    if chosen is None:
        return [part for gpu in every for part in _instances(nvml, gpu)]
    words = [word.strip() for word in chosen.split(",")]
    if len(set(words)) < len(words):
        return []  # CUDA sees none where one is named twice
    seen: list[Any] = []
    for word in words:
        named = list(_named(nvml, word, every))
        if not named:
            break  # CUDA sees those before it alone; '-1' and '' name none
        seen += named
    return seen


def _named(nvml: Any, word: str, every: list[Any]) -> Iterator[Any]:
    """What one word names: a number, a UUID or the beginning of one, a MIG instance."""
    if word.startswith("MIG-"):
        try:
            yield nvml.nvmlDeviceGetHandleByUUID(word)
        except nvml.NVMLError:
            return
    elif word.startswith("GPU-"):
        gpus = [gpu for gpu in every if nvml.nvmlDeviceGetUUID(gpu).startswith(word)]
        if len(gpus) == 1:
            yield from _instances(nvml, gpus[0])
    elif word.isdecimal() and int(word) < len(every):
        yield from _instances(nvml, every[int(word)])


def _instances(nvml: Any, gpu: Any) -> Iterator[Any]:
    """The GPU itself, or the MIG instances that it is cut into."""
    try:
        cut = nvml.nvmlDeviceGetMigMode(gpu)[0] == nvml.NVML_DEVICE_MIG_ENABLE
    except nvml.NVMLError:  # a GPU that cannot be cut
        cut = False
    if not cut:
        yield gpu
        return
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)):
        try:
            yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, number)
        except nvml.NVMLError:  # fewer than there may be
            continue
