"""Low-rank adaptation (LoRA) of a tower by peft, on layers where peft is right.

    E. J. Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022: W + alpha / r B A.

On torch's fused attention peft's adapters are dead (`out_proj`) or added twice (its wrapper of the whole
attention), so towers have `LinearAttention`. The released code adapts nothing at all: its layers are set
under dotted names beside the tower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.semantics.towers import EXTRA

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj")
"""All linear layers of a block."""


@dataclass(frozen=True)
class Adaptation:
    """How a tower is adapted."""

    rank: int = 4
    alpha: float = 8.0
    """Adapters are scaled by `alpha / rank`."""
    targets: tuple[str, ...] = TARGETS


def adapted(tower: nn.Module, adaptation: Adaptation) -> nn.Module:
    """The tower with adapters, which alone can be trained. At first it computes what the tower did.

    Raises:
        InputError: If peft is not installed.
    """
    peft = _peft()
    config = peft.LoraConfig(
        r=adaptation.rank,
        lora_alpha=adaptation.alpha,
        target_modules=list(adaptation.targets),
        lora_dropout=0.0,
        bias="none",
    )
    wrapped: nn.Module = peft.get_peft_model(tower, config)
    return wrapped


def adaptation_of(tower: nn.Module) -> Adaptation | None:
    """How a tower was adapted; None for a plain one."""
    configs = getattr(tower, "peft_config", None)
    if configs is None:
        return None
    config = configs["default"]
    return Adaptation(config.r, config.lora_alpha, tuple(sorted(config.target_modules)))


def merged(tower: nn.Module) -> nn.Module:
    """A plain tower with the adapters added to its weights."""
    plain: nn.Module = tower.merge_and_unload()  # type: ignore[operator]
    return plain


def adapter_weights(tower: nn.Module) -> dict[str, torch.Tensor]:
    """The adapters' weights alone, by peft's names."""
    weights: dict[str, torch.Tensor] = _peft().get_peft_model_state_dict(tower)
    return weights


def load_adapter_weights(tower: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Put adapters' weights back into an adapted tower.

    Raises:
        ValueError: If they are not those of this tower's adapters.
    """
    expected = adapter_weights(tower)
    if {name: tensor.shape for name, tensor in weights.items()} != {
        name: tensor.shape for name, tensor in expected.items()
    }:
        raise ValueError("these are not the adapters of this tower")
    _peft().set_peft_model_state_dict(tower, dict(weights))


def _peft() -> Any:
    try:
        import peft
    except ImportError:
        raise InputError(EXTRA) from None
    return peft
