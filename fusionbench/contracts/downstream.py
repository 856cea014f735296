"""What is common to networks that look at fused images for a task: detectors and segmenters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionbench.contracts.method import Device


@dataclass(frozen=True)
class DownstreamCard:
    """What a person should know about a network that looks at fused images."""

    name: str
    title: str
    licence: str
    """Of the library and of usual weights, with what follows from it in a few words."""
    code: str = ""
    paper: str = ""
    settings: str = ""
    """Image size, and what else decides the result (least score, normalisation): in words, for tables."""
    needs: str = ""
    """What it needs beyond the installation, such as an extra and a file of weights."""
    notice: str = ""
    """What is said once where it is used, such as a licence that reaches further than its package."""
    summary: str = ""


@dataclass(frozen=True)
class DownstreamTraining:
    """How to train such a network: nothing here differs between the methods that are compared."""

    classes: tuple[str, ...]
    start: Path | None
    """Weights or a network's description to start from; None for the plugin's own smallest network."""
    epochs: int
    image_size: int
    """Longest side, in pixels, of what the network sees of an image: a plugin scales images to it or cuts."""
    batch: int
    seed: int
    device: Device = "cpu"
    options: tuple[tuple[str, Any], ...] = ()
    """Settings of the plugin's own trainer, such as its learning rate."""
