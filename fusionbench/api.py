"""The Python interface: each command of the command line as one function with the same words.

Images are paths or uint8 arrays: visible `(H, W, 3)` or `(H, W)`, infrared `(H, W)` or three equal channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusionbench.contracts import (
    CANONICAL,
    Device,
    FloatImage,
    ImagePair,
    Post,
    SourceImages,
    Uint8Image,
)
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.degrading.sheet import render_sheet
from fusionbench.errors import InputError
from fusionbench.evaluation.evaluate import DEFAULT_RESULTS, DEFAULT_SEVERITY, Evaluation, evaluate, score
from fusionbench.evaluation.run import Listener, Silent
from fusionbench.fusing import fuse_pairs, fuse_raw
from fusionbench.images import (
    as_fused,
    as_infrared,
    as_visible,
    measured,
    measured_sources,
    require_same_size,
)
from fusionbench.measuring import (
    Measurement,
    Reference,
    choose_metrics,
    measure_image,
    ready_metrics,
)
from fusionbench.ranking.costs import read_costs, with_costs
from fusionbench.ranking.files import write_tables
from fusionbench.ranking.query import comparable_groups, find_cells
from fusionbench.ranking.set_scores import Comparison, require_rivals
from fusionbench.ranking.statistics import make_table
from fusionbench.ranking.table import Table
from fusionbench.ready_methods import ready_method

__all__ = [
    "Degraded",
    "Evaluation",
    "contact_sheet",
    "degrade",
    "evaluate",
    "fuse",
    "leaderboard",
    "measure",
    "measurements",
    "score",
    "train",
]

Image = ArrayLike | Path | str


@dataclass(frozen=True, eq=False)
class Degraded:
    """A damaged pair beside the clean one."""

    visible: Uint8Image
    """`(H, W, 3)`, damaged."""
    infrared: Uint8Image
    """`(H, W)`, damaged where the degradation touches the infrared image."""
    clean_visible: Uint8Image
    clean_infrared: Uint8Image
    maps: Mapping[str, NDArray[Any]]
    """Ground truth: transmission, airlight, depth, noise sigma, whatever the degradation has."""


def measure(
    fused: Image,
    visible: Image,
    infrared: Image,
    metrics: Sequence[str] | None = None,
    *,
    profile: str = CANONICAL,
    fused_clean: Image | None = None,
    weights: Mapping[str, Path | str] | None = None,
) -> dict[str, float]:
    """Measure one fused image.

    Args:
        fused: The fused image, grey or colour.
        visible: The visible image it was made from.
        infrared: The infrared image it was made from.
        metrics: Registered names, `all` for every one that needs no extra; None takes the core set, or the
            whole of a profile.
        profile: Whose conventions to measure by: `canonical`, or a registered profile such as `cddfuse`.
        fused_clean: What the same method made of the clean pair, where `fused` was made of a degraded one;
            for the stability metrics only.
        weights: Files of trained weights by metric, for those that read one.

    Returns:
        Metric name to value.

    Raises:
        InputError: If an image cannot be used, sizes differ, or a metric is undefined for them.
        UnknownNameError: If a metric or the profile is not registered.
    """
    found = measurements(
        fused, visible, infrared, metrics, profile=profile, fused_clean=fused_clean, weights=weights
    )
    for measurement in found:
        if measurement.value is None:
            raise InputError(f"metric {measurement.metric}: {measurement.reason}")
    return {m.metric: m.value for m in found if m.value is not None}


def measurements(
    fused: Image,
    visible: Image,
    infrared: Image,
    metrics: Sequence[str] | None = None,
    *,
    profile: str = CANONICAL,
    fused_clean: Image | None = None,
    weights: Mapping[str, Path | str] | None = None,
) -> list[Measurement]:
    """Measure one fused image; where a metric has no value, its measurement says why.

    Args:
        fused: As in `measure`, like all others.
        visible: The visible image.
        infrared: The infrared image.
        metrics: Registered names, or `all`.
        profile: Whose conventions to measure by.
        fused_clean: What the method made of the clean pair.
        weights: Files of trained weights by metric.

    Raises:
        InputError: If an image cannot be used, sizes differ, or something a metric needs is missing.
        UnknownNameError: If a metric or the profile is not registered.
    """
    pair = _pair(visible, infrared, "pair")
    image = as_fused(fused)
    require_same_size([("visible", pair.visible), ("fused", image)])
    files = {name: Path(path).expanduser() for name, path in (weights or {}).items()}
    request = choose_metrics(metrics, profile, files, clean_output=fused_clean is not None)
    for name in files:
        if name not in request.names:
            raise InputError(f"weights for {name!r}: no such metric is asked for; name it in metrics too")
    plugins = ready_metrics(request)
    sources: dict[Reference, SourceImages] = {"clean": measured_sources(pair)}
    if fused_clean is not None:
        clean_output = as_fused(fused_clean)
        require_same_size([("fused", image), ("fused_clean", clean_output)])
        sources["clean_output"] = replace(sources["clean"], clean_output=measured(clean_output))
    return measure_image(measured(image), sources, plugins)


def degrade(
    visible: Image,
    infrared: Image,
    degradation: str,
    *,
    severity: float = float(DEFAULT_SEVERITY),
    seed: int = 0,
    image_id: str = "image",
    dataset: str = "",
    depth: FloatImage | None = None,
) -> Degraded:
    """Damage one pair, reproducibly.

    Args:
        visible: The clean visible image.
        infrared: The clean infrared image.
        degradation: Such as `haze@3` or `haze+low_light@2`.
        severity: For terms of it that name none.
        seed: Seed of the random fields.
        image_id: Name of the pair; together with seed and dataset it decides the random fields.
        dataset: Name of the dataset, to get what `fusionbench degrade --dataset` gives.
        depth: Metric depth `(H, W)` float32 in metres where it is known; infinity is sky.

    Raises:
        InputError: If an image or the degradation cannot be used.
        UnknownNameError: If a degradation is not registered.
    """
    pair = _pair(visible, infrared, image_id, depth)
    result = degrade_pair(pair, parse_condition(degradation).with_severity(severity), seed, dataset)
    return Degraded(
        result.pair.visible, result.pair.infrared, result.clean.visible, result.clean.infrared, result.maps
    )


def contact_sheet(
    visible: Image,
    infrared: Image,
    degradations: Sequence[str],
    *,
    seed: int = 0,
    image_id: str = "image",
    dataset: str = "",
) -> Uint8Image:
    """Draw what degradations do to one pair: a row each, the clean image and severities 1 to 5 beside it.

    Args:
        visible: The clean visible image.
        infrared: The clean infrared image, which rows of infrared degradations show.
        degradations: Such as `haze`, `haze+low_light`; one with its level (`haze@2km`) at that alone.
        seed: Seed of the random fields.
        image_id: Name of the pair, as in `degrade`.
        dataset: Name of the dataset, as in `degrade`.

    Returns:
        `(H, W, 3)` uint8.

    Raises:
        InputError: If an image cannot be used, or no degradation is named.
        UnknownNameError: If a degradation is not registered.
    """
    conditions = [parse_condition(name) for name in degradations]
    return render_sheet(_pair(visible, infrared, image_id), conditions, seed, dataset)


def fuse(
    method: str,
    visible: Image,
    infrared: Image,
    *,
    weights: Path | str | None = None,
    raw: bool = False,
    post: Post = "clamp",
    python: Path | str | None = None,
    device: Device = "auto",
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Fuse one pair.

    Args:
        method: Registered name, `file.py:ClassName`, `external:FOLDER`, or one of them behind enhancements
            (`dcp>lp`).
        visible: The visible image.
        infrared: The infrared image.
        weights: File or folder of trained weights, for methods that take some.
        raw: Return the method's own output before clamping, chroma and rounding.
        post: How the method's values become an image: `clamp`, `minmax`, or `official`.
        python: Interpreter of an external method.
        device: Where to run.

    Returns:
        `(H, W, 3)` uint8 as it would be saved; with `raw`, `(1, H, W)` or `(3, H, W)` float32.

    Raises:
        InputError: If an image or the weights cannot be used.
        MethodError: If the method raises or returns no fused image.
        UnknownNameError: If the method is not registered.
    """
    pair = _pair(visible, infrared, "pair")
    file, interpreter = (None if path is None else Path(path).expanduser() for path in (weights, python))
    ready = ready_method(method, file, device, post=post, python=interpreter)
    return fuse_raw(ready, pair) if raw else fuse_pairs(ready, [pair])[0].image


def leaderboard(
    results: Path | str = DEFAULT_RESULTS,
    out: Path | str | None = None,
    *,
    costs: Path | str | None = None,
    against: Sequence[str] = (),
    listener: Listener | None = None,
) -> list[Table]:
    """Tables of everything in a store, one for each dataset, split and degradation.

    Args:
        results: Folder of the store.
        out: Folder to write them to as Markdown and CSV; None writes nothing.
        costs: What methods cost, as `fusionbench cost --json` writes it: further columns.
        against: Methods from which the others' differences in figures of whole sets (mAP) are shown.
        listener: Hears of progress.

    Raises:
        InputError: If the store is empty, a file in it is damaged, a method in `against` stands in no table,
            or `out` cannot be written.
    """
    comparison = Comparison(tuple(dict.fromkeys(against)), scored=(listener or Silent()).scored)
    groups = comparable_groups(find_cells(Path(results).expanduser()))
    comparable = {str(cell.stamp["method"]) for group in groups for cell in group if cell.has_set_metric}
    require_rivals(against, comparable, f"with a metric of whole sets in {results}")
    tables = [make_table(group, comparison) for group in groups]
    if costs is not None:
        known = read_costs(Path(costs).expanduser())
        tables = [with_costs(table, known) for table in tables]
    if out is not None:
        write_tables(tables, Path(out).expanduser())
    return tables


def train(
    method: str,
    recipe: str | None = None,
    *,
    out: Path | str,
    dataset: str | Sequence[str] | None = None,
    root: Path | str | None = None,
    settings: Mapping[str, str] | None = None,
    stage: str | None = None,
    anew_from: str | None = None,
    seed: int | None = None,
    device: Device = "auto",
    workers: int = 0,
) -> Path:
    """Train a method through the stages of its recipe; interrupted, the same call goes on.

    Args:
        method: Registered name or `file.py:ClassName` of a method that offers a recipe.
        recipe: A preset's name or a TOML file; None takes the default.
        out: Folder for everything that is written.
        dataset: What to learn from, one or several, each with its split where wanted (`msrs:train`).
        root: Folder of the datasets, or one that holds them.
        settings: `STAGE.NAME` or `NAME` to a value, as `--set` takes them.
        stage: Run this stage alone.
        anew_from: Forget what was trained from this stage on.
        seed: Of everything random.
        device: Where to train.
        workers: Processes that prepare batches.

    Returns:
        The last stage's artefact: what `weights` of the method takes.

    Raises:
        InputError: If the method offers no recipe, or settings, data or files do not allow it.
        TrainingError: If a loss is not finite.
        UnknownNameError: If a method or dataset is not registered.
    """
    from fusionbench.training import plan_training
    from fusionbench.training import train as run_training
    from fusionbench.training.following import Silent

    plan = plan_training(
        method,
        recipe,
        out=Path(out).expanduser(),
        datasets=[dataset] if isinstance(dataset, str) else dataset,
        root=None if root is None else Path(root).expanduser(),
        overrides=settings,
        seed=seed,
        device=device,
        workers=workers,
    )
    return run_training(plan, Silent(), only=stage, anew_from=anew_from)


def _pair(visible: Image, infrared: Image, image_id: str, depth: FloatImage | None = None) -> ImagePair:
    colour, thermal = as_visible(visible), as_infrared(infrared)
    require_same_size([("visible", colour), ("infrared", thermal)])
    if depth is not None and not (isinstance(depth, np.ndarray) and depth.dtype.kind == "f"):
        raise InputError("depth: expected a float array (H, W) of metres, infinity for sky")
    if depth is not None and depth.shape != thermal.shape:
        raise InputError(f"depth: is {depth.shape}, expected {thermal.shape} like the images")
    return ImagePair(id=image_id, visible=colour, infrared=thermal, depth=depth)
