"""The recipe: its stages, and presets of their settings."""

from __future__ import annotations

from pathlib import Path

from fusionbench.contracts import RecipeCard, StageRequest, TrainingStage
from fusionbench_methods.sgafusion.training import clip_stage, experts_stage, fusion_stages

PRESETS = ("fixed", "tiny", "released", "paper", "vif")


class SGAFusionRecipe:
    """How SGAFusion is trained."""

    card = RecipeCard(
        method="sgafusion",
        stages=(clip_stage.CARD, experts_stage.CARD, fusion_stages.JOINT_CARD, fusion_stages.FINETUNE_CARD),
        presets={name: Path(__file__).with_name("presets") / f"{name}.toml" for name in PRESETS},
    )

    def build(self, request: StageRequest) -> TrainingStage:
        """Make a stage.

        Raises:
            InputError: If the options, the data or earlier artefacts do not suit it.
        """
        if request.name == clip_stage.CARD.name:
            return clip_stage.ClipStage(request)
        if request.name == experts_stage.CARD.name:
            return experts_stage.ExpertsStage(request)
        return fusion_stages.FusionStage(request)
