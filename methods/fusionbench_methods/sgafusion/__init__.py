"""SGAFusion: semantic-guided adaptive fusion. Its README maps the modules to the paper's figures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionbench_methods.sgafusion.checkpoint import (
        combine_checkpoints,
        load_checkpoint,
        save_checkpoint,
    )
    from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration, configuration_of
    from fusionbench_methods.sgafusion.fixed.configuration import FixedConfiguration
    from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
    from fusionbench_methods.sgafusion.losses import fusion_loss_terms
    from fusionbench_methods.sgafusion.network import SGAFusionNet
    from fusionbench_methods.sgafusion.semantics.encoder import (
        CLIP_SEMANTICS,
        COMPACT_SEMANTICS,
        SemanticEncoder,
    )

_MODULES = {
    "CLIP_SEMANTICS": "semantics.encoder",
    "COMPACT_SEMANTICS": "semantics.encoder",
    "FixedConfiguration": "fixed.configuration",
    "FixedSGAFusionNet": "fixed.network",
    "SGAFusionConfiguration": "configuration",
    "SGAFusionNet": "network",
    "SemanticEncoder": "semantics.encoder",
    "combine_checkpoints": "checkpoint",
    "configuration_of": "configuration",
    "fusion_loss_terms": "losses",
    "load_checkpoint": "checkpoint",
    "save_checkpoint": "checkpoint",
}

__all__ = [
    "CLIP_SEMANTICS",
    "COMPACT_SEMANTICS",
    "FixedConfiguration",
    "FixedSGAFusionNet",
    "SGAFusionConfiguration",
    "SGAFusionNet",
    "SemanticEncoder",
    "combine_checkpoints",
    "configuration_of",
    "fusion_loss_terms",
    "load_checkpoint",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for: the registry reads cards of methods it does not run."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
