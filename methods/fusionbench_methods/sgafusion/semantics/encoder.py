"""A tower and a head of two layers, which names the degradation of a visible image and embeds it.

The embedding is what the head knows just before it decides (released code: `fc1`, ReLU, `fc2`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from fusionbench_methods.sgafusion.semantics.preparation import (
    CLIP_PREPARATION,
    COMPACT_PREPARATION,
    Preparation,
)
from fusionbench_methods.sgafusion.semantics.towers import (
    CLIP_TOWER,
    COMPACT_TOWER,
    ConvolutionalTowerConfiguration,
    TowerConfiguration,
    build_tower,
    tower_from_json,
)

DEGRADATION_CLASSES = (
    "clean",
    "haze",
    "low_light",
    "noise",
    "rain",
    "over_exposure",
    "motion_blur",
    "haze+low_light",
    "low_light+noise",
)
"""Nine, as the released head has; the authors do not publish their names."""


@dataclass(frozen=True)
class SemanticConfiguration:
    """What an encoder is made of."""

    tower: TowerConfiguration | ConvolutionalTowerConfiguration = COMPACT_TOWER
    preparation: Preparation = COMPACT_PREPARATION
    classes: tuple[str, ...] = DEGRADATION_CLASSES
    embedding_width: int = 512

    def __post_init__(self) -> None:
        if self.preparation.size != self.tower.image_size:
            raise ValueError(
                f"the tower sees {self.tower.image_size} pixels a side, the preparation makes "
                f"{self.preparation.size}"
            )
        if not self.classes or self.embedding_width < 1:
            raise ValueError("an encoder needs one class and one number of embedding, or more")

    def as_json(self) -> dict[str, Any]:
        """As plain values, for a checkpoint's header."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SemanticConfiguration:
        """Read `as_json` back."""
        preparation = dict(values["preparation"])
        for name in ("mean", "deviation"):
            preparation[name] = tuple(preparation[name])
        return cls(
            tower=tower_from_json(values["tower"]),
            preparation=Preparation(**preparation),
            classes=tuple(values["classes"]),
            embedding_width=values["embedding_width"],
        )


CLIP_SEMANTICS = SemanticConfiguration(CLIP_TOWER, CLIP_PREPARATION)
"""The method as published, with CLIP's own normalisation."""

COMPACT_SEMANTICS = SemanticConfiguration(COMPACT_TOWER, COMPACT_PREPARATION)


class SemanticEncoder(nn.Module):
    """Names and embeds the degradation of visible images.

    Args:
        configuration: Which tower, prepared for how, and the classes. Its weights are random; `clip` still
            needs `towers.load_pretrained`.

    Raises:
        InputError: If open_clip is not installed.
    """

    def __init__(self, configuration: SemanticConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        self.tower = build_tower(configuration.tower)
        self.fc1 = nn.Linear(configuration.tower.output, configuration.embedding_width)
        self.fc2 = nn.Linear(configuration.embedding_width, len(configuration.classes))
        self.has_merged_adapters = False
        """Adapters have become part of the tower's weights and cannot be told from them any more."""

    def embed(self, visible: torch.Tensor) -> torch.Tensor:
        """From visible images `(N, 3, H, W)` in [0, 1] to embeddings `(N, embedding_width)`, not negative."""
        return self.embed_prepared(self.configuration.preparation(visible))

    def embed_prepared(self, prepared: torch.Tensor) -> torch.Tensor:
        """As `embed`, from images that the configuration's preparation has prepared."""
        embedding: torch.Tensor = self.fc1(self.tower(prepared)).relu()
        return embedding

    def forward(self, visible: torch.Tensor) -> torch.Tensor:
        """From visible images `(N, 3, H, W)` in [0, 1] to the classes' logits `(N, classes)`."""
        logits: torch.Tensor = self.fc2(self.embed(visible))
        return logits
