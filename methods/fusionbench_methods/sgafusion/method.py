"""SGAFusion as a method of the registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from fusionbench.contracts import MethodCard, Recipe
from fusionbench.errors import InputError
from fusionbench.weight_files import require_checksum

if TYPE_CHECKING:
    import torch

    from fusionbench_methods.sgafusion.checkpoint import Network
    from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder

Embedding = Literal["true", "zero", "shuffled"]
"""What the network is told of the visible image: what the encoder says, nothing, or the same numbers in
another order. The last two are ablations, which show what the semantics are worth."""

SHUFFLING_SEED = 0

SHIPPED = Path(__file__).with_name("weights") / "fixed.safetensors"
SHIPPED_SHA256 = "7bb8227504f865b6f23e3cc936f00e7313536052df96face036539b0fe56d960"
"""Of the weights that come with this package: part of the code, so that results know which they are of."""

CARD = MethodCard(
    name="sgafusion",
    title="SGAFusion",
    colour="rgb",
    year=2025,
    code="https://github.com/Wohaizainuli/SGAFusion",
    licence="Apache-2.0 (this implementation)",
    summary="encoder with mixtures of dehaze, low-light and base experts, guided by an embedding of the "
    "visible image's degradation; tables say which variant and which encoder",
    weights="comes with weights of ours, not the authors', who published none: trained 2026-11-28 on 137 "
    "real pairs (MSRS 60, RoadScene 50, LLVIP 18, M3FD 9) and 8 generated scenes, in 40 CPU minutes; "
    "held-out results in weights/MODEL_CARD.md beside its source file",
    # A second or two an image.
    by_default=False,
    extra="sgafusion",
    modules=("open_clip", "peft"),
)


class SGAFusion:
    """SGAFusion with trained weights.

    Args:
        weights: A checkpoint with network and encoder; None takes the one that comes with this package, which
            we trained (the authors published none).
        embedding: What the network is told of the visible image.

    Raises:
        InputError: If there are no weights, they cannot be read, or lack a part.
    """

    card = CARD

    def __init__(self, weights: Path | None = None, *, embedding: Embedding = "true") -> None:
        from fusionbench_methods.sgafusion.checkpoint import load_checkpoint

        if weights is None:
            require_checksum(SHIPPED, SHIPPED_SHA256)
            weights = SHIPPED
        checkpoint = load_checkpoint(weights)
        if checkpoint.network is None:
            raise InputError(f"{weights}: holds an encoder without a network; give a complete checkpoint")
        if checkpoint.encoder is None:
            raise InputError(
                f"{weights}: holds a network without an encoder, which sees what the network is to be told; "
                "put both into one file with fusionbench_methods.sgafusion.combine_checkpoints"
            )
        self._start(checkpoint.network, checkpoint.encoder, embedding)

    @classmethod
    def card_for(cls, weights: Path | None) -> MethodCard:
        """The card with the variant and the encoder that a checkpoint holds, and what it was trained on.

        Raises:
            InputError: If the file is missing or damaged.
        """
        from fusionbench_methods.sgafusion.checkpoint import describe

        held = describe(weights or SHIPPED)
        detail = f"{held.variant}, {held.encoder or 'no'} encoder{'' if weights else ', ours'}"
        return replace(cls.card, detail=detail, trained_on=held.trained_on)

    @classmethod
    def recipe(cls) -> Recipe:
        """How it is trained."""
        from fusionbench_methods.sgafusion.training.recipe import SGAFusionRecipe

        return SGAFusionRecipe()

    def to(self, device: str) -> SGAFusion:
        """Move network and encoder to a device."""
        self._start(self._network.to(device), self._encoder.to(device), self._embedding)
        return self

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1]; any size.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            RGB `(N, 3, H, W)`, clamped to [0, 1] as the released script does.
        """
        return self._network.fuse(visible, infrared, self._told(visible)).clamp(0.0, 1.0)

    def _start(self, network: Network, encoder: SemanticEncoder, embedding: Embedding) -> None:
        from fusionbench_methods.sgafusion.semantics.embedding_cache import EmbeddingCache

        self._network, self._encoder = network.eval(), encoder.eval()
        self._embeddings = EmbeddingCache(encoder)
        if embedding not in get_args(Embedding):
            raise ValueError(f"embedding is {embedding!r}; it must be one of {get_args(Embedding)}")
        self._embedding = embedding

    def _told(self, visible: torch.Tensor) -> torch.Tensor:
        return told_of(self._embeddings.embed(visible), self._embedding)


def told_of(known: torch.Tensor, kind: Embedding) -> torch.Tensor:
    """What a network is told of an embedding `(N, E)`: all, nothing, or its numbers in another order."""
    import torch

    if kind == "zero":
        return torch.zeros_like(known)
    if kind == "shuffled":
        generator = torch.Generator().manual_seed(SHUFFLING_SEED)
        return known[:, torch.randperm(known.shape[1], generator=generator).to(known.device)]
    return known


class UntrainedSGAFusion(SGAFusion):
    """The network with random weights: to time it and to try the harness, never to be compared."""

    card = replace(
        CARD,
        name="sgafusion-untrained",
        title="SGAFusion without training",
        detail="fixed, compact encoder, random",
        summary="the network `corrected` and the compact encoder with random weights (seed 0), for timing",
        needs="to be asked for by name: its weights are random",
        reference=True,
    )

    @classmethod
    def card_for(cls, weights: Path | None) -> MethodCard:
        """Its card; it takes no weights."""
        del weights
        return cls.card

    def __init__(self) -> None:
        import torch

        from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
        from fusionbench_methods.sgafusion.semantics.encoder import COMPACT_SEMANTICS, SemanticEncoder

        with torch.random.fork_rng():
            torch.manual_seed(0)
            self._start(FixedSGAFusionNet(), SemanticEncoder(COMPACT_SEMANTICS), "true")
