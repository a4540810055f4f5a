"""Which GPUs a process may use, of a machine whose driver is a small fake with four of them."""

from __future__ import annotations

from dataclasses import dataclass
from unittest.mock import Mock

import pytest

from bench.machine import hardware, visible_gpus
from tests.machine.test_settings import NotSupported, fake_nvml

PINNED = "GPU-2f0a1b2c-0000-0000-0000-000000000002"


@dataclass(frozen=True)
class Card:
    """A GPU, or a MIG instance of one; serves as its own handle."""

    name: str
    uuid: str
    instances: tuple[Card, ...] = ()
    total: int = 80 * 2**30
    capability: tuple[int, int] | None = (9, 0)  # None: the driver does not say


INSTANCES = tuple(Card(f"H200 MIG {n}g", f"MIG-{n}") for n in (1, 2))
CARDS = (
    Card("A100", "GPU-0a", capability=(8, 0)),
    Card("A100", "GPU-0b", capability=None),
    Card("H100", PINNED),
    Card("H200", "GPU-3", INSTANCES),
)


def fake_driver(
    monkeypatch: pytest.MonkeyPatch,
    cards: tuple[Card, ...] = CARDS,
    *,
    visible: str | None = None,
    cuda: int = 13000,
) -> None:
    """Put a pynvml that lists these cards in place of the real one, whatever the user's choice."""

    def by_uuid(uuid: str) -> Card:
        for card in (instance for each in cards for instance in each.instances):
            if card.uuid == uuid:
                return card
        raise NotSupported

    def instance(card: Card, number: int) -> Card:
        if number >= len(card.instances):
            raise NotSupported
        return card.instances[number]

    def mig_mode(card: Card) -> list[int]:
        if card.name == "A100":  # stands for one that knows nothing of MIG
            raise NotSupported
        return [int(bool(card.instances))] * 2

    def capability(card: Card) -> tuple[int, int]:
        if card.capability is None:
            raise NotSupported
        return card.capability

    fake_nvml(
        monkeypatch,
        nvmlDeviceGetCount=lambda: len(cards),
        nvmlDeviceGetHandleByIndex=lambda number: cards[number],
        nvmlDeviceGetHandleByUUID=by_uuid,
        nvmlDeviceGetMigMode=mig_mode,
        nvmlDeviceGetMaxMigDeviceCount=lambda card: 7,
        nvmlDeviceGetMigDeviceHandleByIndex=instance,
        nvmlDeviceGetIndex=cards.index,
        nvmlDeviceGetUUID=lambda card: card.uuid,
        nvmlDeviceGetName=lambda card: card.name,
        nvmlDeviceGetMemoryInfo=lambda card: card,
        nvmlDeviceGetCudaComputeCapability=capability,
        nvmlSystemGetDriverVersion=lambda: "580.65.06",
        nvmlSystemGetCudaDriverVersion=lambda: cuda,
    )
    monkeypatch.setattr(hardware, "_gpus", hardware._gpus.__wrapped__)  # nothing kept in mind
    if visible is not None:
        monkeypatch.setenv(visible_gpus.VISIBLE, visible)


@pytest.mark.parametrize(
    ("chosen", "seen"),
    [
        (None, ["GPU-0a", "GPU-0b", PINNED, "MIG-1", "MIG-2"]),
        ("2", [PINNED]),
        ("2,0", [PINNED, "GPU-0a"]),
        (" 1 , 2", ["GPU-0b", PINNED]),
        ("", []),
        ("-1", []),
        ("0,-1,2", ["GPU-0a"]),  # CUDA stops at what names none
        ("0,9,2", ["GPU-0a"]),
        ("1,1", []),  # and sees none where one is named twice
        (PINNED, [PINNED]),
        ("GPU-2f0", [PINNED]),  # the beginning is enough ...
        ("GPU-0", []),  # ... where it is one GPU's alone
        ("3", ["MIG-1", "MIG-2"]),
        ("MIG-2", ["MIG-2"]),
        ("MIG-9,0", []),
        ("cuda", []),
    ],
)
def test_gpus_are_seen_as_cuda_would_see_them(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, seen: list[str]
) -> None:
    fake_driver(monkeypatch, visible=chosen)
    assert [gpu.uuid for gpu in hardware.gpus()] == seen


def test_each_is_described_with_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_driver(monkeypatch, visible="2")
    (gpu,) = hardware.observe().gpus
    assert (gpu.name, gpu.memory_bytes, gpu.driver) == ("H100", 80 * 2**30, "580.65.06")
    assert gpu.uuid == PINNED


def test_a_compute_capability_is_told_where_the_driver_tells_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_driver(monkeypatch, visible="0,1,2")
    assert [gpu.compute_capability for gpu in hardware.gpus()] == [(8, 0), None, (9, 0)]


@pytest.mark.parametrize(("answer", "cuda"), [(13000, (13, 0)), (12090, (12, 9)), (11080, (11, 8))])
def test_the_driver_says_which_cuda_it_can_run(
    monkeypatch: pytest.MonkeyPatch, answer: int, cuda: tuple[int, int]
) -> None:
    fake_driver(monkeypatch, cuda=answer)
    assert hardware.driver_cuda() == cuda


def test_without_a_gpu_to_use_no_driver_says_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_driver(monkeypatch, visible="-1")
    assert hardware.driver_cuda() is None


def test_the_driver_is_asked_once_for_what_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Mock(return_value=[])
    monkeypatch.setattr(visible_gpus, "ask", ask)
    monkeypatch.setenv(visible_gpus.VISIBLE, "a value that no other test has")
    assert hardware.gpus() == hardware.gpus() == ()
    ask.assert_called_once()
