"""Training: stages of a recipe, run so that nothing is lost and everything repeats.

The engine knows recipes (`fusionbench.contracts.recipe`), not methods. What a step learns from is a function
of (seed, stage, step, process) alone, so a checkpoint is weights, optimiser and a number, and a run that was
killed ends in the same bits as one that was not.
"""

from fusionbench.training.plan import TrainingPlan, plan_training
from fusionbench.training.train import train

__all__ = ["TrainingPlan", "plan_training", "train"]
