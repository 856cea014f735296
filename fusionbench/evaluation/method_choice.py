"""Which methods an evaluation runs: by name, all that need nothing, or all that can run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from fusionbench import registry
from fusionbench.contracts import FusionMethod, Post
from fusionbench.errors import InputError
from fusionbench.evaluation.plan import MethodRequest
from fusionbench.measuring import MetricRequest
from fusionbench.method_references import MethodReference, card_of
from fusionbench.official_weights import has_official_weights, problem_with_official_weights
from fusionbench.ready_methods import require_post

EVERY_METHOD = "all"
"""Stands for every registered method that can run here."""


def _runnable(weights: Mapping[str, Path]) -> list[str]:
    """Registered methods that lack nothing."""
    known = registry.load_all("method")
    cards = {name: card_of(method) for name, method in known.items()}
    return [name for name, card in cards.items() if name in weights or (card.by_default and not card.needs)]


def choose_methods(
    methods: Sequence[str] | None, weights: Mapping[str, Path], post: Post = "clamp"
) -> tuple[list[str], list[str]]:
    """Which methods to run.

    Args:
        methods: What was asked for; None stands for every registered method that needs nothing more, `all`
            for every one that can run here.
        weights: Files or folders of trained weights, by method.
        post: How a method's values become an image.

    Returns:
        References, and why registered methods are left out, where all are asked for.
    """
    if methods is None:
        return _runnable(weights), []
    if EVERY_METHOD not in methods:
        return list(methods), []
    chosen, left_out = [], []
    for name, method in registry.load_all("method").items():
        if reason := _lacking(name, method, weights, post):
            left_out.append(f"{name}: {reason}")
        else:
            chosen.append(name)
    further = [name for name in methods if name != EVERY_METHOD and name not in chosen]
    return chosen + further, left_out


def _lacking(name: str, method: type[FusionMethod], weights: Mapping[str, Path], post: Post) -> str:
    """What a registered method lacks to run here; empty for nothing."""
    card = card_of(method)
    found = name in weights or (bool(card.official_weights) and has_official_weights(card))
    if card.needs and not found:
        return f"needs {card.needs}"
    if any(find_spec(module) is None for module in card.modules):
        return f'needs the extra "{card.extra}": pip install "ivif-fusionbench[{card.extra}]"'
    if card.official_weights and name not in weights and (problem := problem_with_official_weights(card)):
        return problem
    if post == "official" and not hasattr(method, "official"):
        return "has no script of its authors to repeat"
    return ""


def method_requests(
    methods: Sequence[str],
    weights: Mapping[str, Path],
    metrics: MetricRequest,
    post: Post = "clamp",
    python: Path | None = None,
) -> list[MethodRequest]:
    """What is to be run.

    Args:
        methods: References, as `--method` takes them.
        weights: Files or folders of trained weights, by method or metric.
        metrics: What is measured; some take weights too.
        post: How a method's values become an image.
        python: Interpreter of external methods.

    Raises:
        InputError: If weights are for nothing that is asked for, or a method cannot be shown in that way.
        UnknownNameError: If a method is not registered.
    """
    references = [MethodReference(name) for name in methods]
    own = {reference.method for reference in references}
    for name in weights:
        judges = name in {request.name for request in metrics.downstream}
        if name not in methods and name not in own and name not in metrics.names and not judges:
            raise InputError(
                f"weights for {name!r}: no such method or metric is asked for; "
                "name it in --method or --metric too"
            )
    return [_request(reference, weights, post, python) for reference in references]


def _request(
    reference: MethodReference, weights: Mapping[str, Path], post: Post, python: Path | None
) -> MethodRequest:
    method, card = reference.method_class, card_of(reference.method_class)
    shown: Post = "clamp" if card.reference else post
    require_post(card, method, shown)
    external = reference.method.startswith(registry.EXTERNAL)
    return MethodRequest(
        # Two ways to show one method are two rows.
        name=reference.name if shown == "clamp" else f"{reference.name} ({shown})",
        method=reference.text,
        weights=weights.get(reference.text, weights.get(reference.method)),
        post=shown,
        python=python if external else None,
    )
