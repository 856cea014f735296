"""How the learning rate goes: a factor of the highest rate, from the step alone."""

from __future__ import annotations

import math

from fusionbench.training.settings import OptimisationSettings

FINAL_COSINE = 0.02
"""Where the cosine ends."""

ONE_CYCLE_RISE = 0.3
ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1e-5
"""Of the one-cycle schedule (L. N. Smith, N. Topin: "Super-Convergence", 2018), by cosines."""


def rate_factor(settings: OptimisationSettings, step: int) -> float:
    """The factor of the highest rate at a step, counted from 0."""
    if settings.schedule == "cosine":
        return _warm(settings, step) * _cosine(settings, step)
    if settings.schedule == "one_cycle":
        return _one_cycle(step / max(1, settings.steps - 1))
    if settings.schedule == "half_then_linear":
        return _linear_epochs(settings, step)
    if settings.schedule == "half_then_compounding":
        return _compounding_epochs(settings, step)
    return _warm(settings, step)


def _warm(settings: OptimisationSettings, step: int) -> float:
    return min(1.0, (step + 1) / settings.warm_up) if settings.warm_up else 1.0


def _cosine(settings: OptimisationSettings, step: int) -> float:
    length = max(1, settings.steps - settings.warm_up)
    done = min(max(step - settings.warm_up, 0) / length, 1.0)
    return FINAL_COSINE + (1 - FINAL_COSINE) * 0.5 * (1 + math.cos(math.pi * done))


def _one_cycle(done: float) -> float:
    if done < ONE_CYCLE_RISE:
        return _between(ONE_CYCLE_START, 1.0, done / ONE_CYCLE_RISE)
    return _between(1.0, ONE_CYCLE_END, (done - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))


def _between(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _linear_epochs(settings: OptimisationSettings, step: int) -> float:
    """Flat for half of the epochs, then linear to 0."""
    epochs = max(1, settings.steps // settings.epoch)
    half = epochs / 2
    return min(1.0, (epochs - step // settings.epoch) / half)


def _compounding_epochs(settings: OptimisationSettings, step: int) -> float:
    """What the released code does in place of that.

    Each epoch multiplies the rate it finds by the factor meant for the first rate, so factors compound.
    """
    epochs = max(1, settings.steps // settings.epoch)
    factor, half = 1.0, epochs / 2
    for epoch in range(step // settings.epoch + 1):
        factor *= min(1.0, (epochs - epoch) / half)
    return factor
