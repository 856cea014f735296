"""One call from names to tables: the public `evaluate` and `score`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench import registry
from fusionbench.contracts import CANONICAL, Dataset, Device, Post
from fusionbench.datasets import open_dataset
from fusionbench.degrading import Condition, parse_condition, parse_severities
from fusionbench.degrading.native_choice import AUTOMATIC
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.evaluation.method_choice import choose_methods, method_requests
from fusionbench.evaluation.plan import MethodRequest, Plan, make_plan, shard_of
from fusionbench.evaluation.run import Engine, Listener, RunOptions, RunReport, Silent, run_plan
from fusionbench.evaluation.store import Store, read_stamp, require_writable
from fusionbench.evaluation.work import FusedFolder
from fusionbench.measuring import MetricRequest, choose_metrics, is_set_metric
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.query import StoredCell, comparable_groups, find_cells, groups_in_order
from fusionbench.ranking.set_scores import Comparison, require_rivals
from fusionbench.ranking.statistics import make_table
from fusionbench.ranking.table import Table
from fusionbench.ranking.tidy import records

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_SEVERITY = "3"
DEFAULT_RESULTS = Path("results")

WORTH_A_PROCESS = 16
"""Pairs below which starting worker processes costs more than it saves."""


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What an evaluation gave. A notebook shows it as its tables."""

    tables: tuple[Table, ...]
    """One for each degradation, in the order asked for, of the methods asked for."""
    boards: tuple[Table, ...]
    """The same conditions with every method the store has for these images: what leaderboard files show."""
    report: RunReport
    unscored: tuple[str, ...] = ()
    """Fused images that belong to no sample (only for `score`)."""
    left_out: tuple[str, ...] = ()
    """Registered methods that cannot run here, with the reason, where all were asked for."""
    notices: tuple[str, ...] = ()
    """What has to be said of what was used, such as a licence that reaches further than its package."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that has no value, with its reason."""
        return tuple(failure for table in self.tables for failure in table.all_failures)

    def __repr__(self) -> str:
        return f"Evaluation({'; '.join(table.title for table in self.tables)})"

    def _repr_markdown_(self) -> str:
        return "\n\n".join(render_markdown(table) for table in self.tables)

    def to_dataframe(self) -> pd.DataFrame:
        """Means as a tidy frame: one row a method, severity, metric and reference."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame([record for table in self.tables for record in records(table)])
        return frame


def evaluate(
    dataset: str | Dataset,
    *,
    root: Path | str | None = None,
    split: str | None = None,
    dataset_options: Mapping[str, str] | None = None,
    visible: Path | str | None = None,
    infrared: Path | str | None = None,
    degradation: str | Sequence[str] = "clean",
    severity: str | float | Sequence[float] = DEFAULT_SEVERITY,
    methods: Sequence[str] | None = None,
    weights: Mapping[str, Path | str] | None = None,
    metrics: Sequence[str] | None = None,
    profile: str = CANONICAL,
    limit: int | None = None,
    seed: int = 0,
    native: str = AUTOMATIC,
    results: Path | str = DEFAULT_RESULTS,
    device: Device = "auto",
    engine: Engine = "process",
    workers: int = 1,
    batch_size: int = 1,
    post: Post = "clamp",
    python: Path | str | None = None,
    retry_failed: bool = False,
    shard: tuple[int, int] | None = None,
    against: Sequence[str] = (),
    listener: Listener | None = None,
) -> Evaluation:
    """Degrade, fuse and measure a dataset; results are kept in a store and never computed twice.

    Args:
        dataset: Registered name, or an opened dataset.
        root: The dataset's folder or a folder that holds it; None asks the environment and configuration.
        split: None takes the dataset's default.
        dataset_options: Options the dataset's card lists.
        visible: Folder of visible images, for the dataset `folder`.
        infrared: Folder of infrared images, for the dataset `folder`.
        degradation: Condition or conditions, such as `haze`, `haze+low_light@2`, `clean`.
        severity: For conditions that name none: `3`, `1-5`, `1,3`, a number or numbers.
        methods: Registered names, `file.py:ClassName`, `external:FOLDER`, any of them behind enhancements
            (`dcp>lp`); `all` for every registered one that can run here, those included whose authors'
            weights are to be found; None takes every registered one that needs nothing more than is given.
        weights: Files of trained weights, by method as named in `methods`, by metric, or by the detector that
            `map` is to use.
        metrics: Registered names, `all` for every one that needs no extra; None takes the core set, or the
            whole of a profile.
        profile: Whose conventions to measure by: `canonical`, or a registered profile.
        limit: Only the first so many samples.
        seed: Seed of the degradations.
        native: Which images by the real condition they were taken in: `auto` leaves out those a degradation
            is not applied to (low_light what is dark already), `all` none; or `day`, `night`, `fog`, `smoke`.
        results: Folder of the store.
        device: Where methods run.
        engine: `process`, or `ray` to spread the work over a cluster (needs the extra `ray`).
        workers: Processes to spread images over; 0 takes one a processor where there are pairs enough and no
            accelerator to share. Above 1 needs the usual `if __name__ == "__main__"` guard.
        batch_size: Images of one size fused together; an external method is started once for so many, and
            for 16 if this is 1.
        post: How a method's values become an image: `clamp`, `minmax` or `official`.
        python: Interpreter of external methods.
        retry_failed: Compute cells with failed images again.
        shard: (index, count): only this machine's share of the cells, index from 1.
        against: Methods from which the others' differences in figures of whole sets (mAP) are shown.
        listener: Hears of progress.

    Returns:
        Tables over the cells asked for. Images that failed are in `failures`, not raised.

    Raises:
        InputError: If an argument, the dataset or the store cannot be used.
        UnknownNameError: If a plugin is not registered; the message offers the nearest.
        FusionbenchError: If a plugin cannot be created, or results cannot be kept.
    """
    options = _with_folders(dataset_options, visible, infrared)
    opened = _opened(dataset, root, split, options)
    files = {name: Path(path).expanduser() for name, path in (weights or {}).items()}
    chosen = choose_metrics(metrics, profile, files)
    references, left_out = choose_methods(methods, files, post)
    interpreter = None if python is None else Path(python).expanduser()
    if interpreter is not None and not any(registry.EXTERNAL in reference for reference in references):
        raise InputError(f"--python {python}: no method is external; leave it out, or name external:FOLDER")
    requests = method_requests(references, files, chosen, post, interpreter)
    _require_at_least_one(methods=requests, metrics=chosen.names)
    conditions = _conditions(degradation, severity)
    plan = make_plan(
        opened,
        conditions,
        requests,
        chosen,
        seed=seed,
        limit=_positive_limit(limit),
        dataset_options=options,
        native=native,
    )
    if shard is not None:
        plan = shard_of(plan, *shard)
        if not plan.cells:
            raise InputError(f"shard {shard[0]}/{shard[1]}: has no cell of this plan; use fewer shards")
    run_options = RunOptions(
        device=device,
        engine=engine,
        workers=_workers(workers, plan, device, engine),
        batch_size=_batch_size(batch_size, references),
        retry_failed=retry_failed,
    )
    evaluation = _run(plan, Path(results), run_options, listener, against)
    return replace(evaluation, left_out=tuple(left_out), notices=_notices(chosen))


def score(
    dataset: str | Dataset,
    fused: Path | str,
    *,
    name: str,
    root: Path | str | None = None,
    split: str | None = None,
    dataset_options: Mapping[str, str] | None = None,
    visible: Path | str | None = None,
    infrared: Path | str | None = None,
    degradation: str = "clean",
    severity: str | float = DEFAULT_SEVERITY,
    fused_clean: Path | str | None = None,
    weights: Mapping[str, Path | str] | None = None,
    metrics: Sequence[str] | None = None,
    profile: str = CANONICAL,
    limit: int | None = None,
    seed: int = 0,
    native: str = AUTOMATIC,
    results: Path | str = DEFAULT_RESULTS,
    workers: int = 1,
    against: Sequence[str] = (),
    listener: Listener | None = None,
) -> Evaluation:
    """Measure images that were fused elsewhere, found in a folder by the stems of the dataset's samples.

    Args:
        dataset: As in `evaluate`.
        fused: Folder of fused images.
        name: Name of the method in tables.
        root: As in `evaluate`.
        split: As in `evaluate`.
        dataset_options: As in `evaluate`.
        visible: As in `evaluate`.
        infrared: As in `evaluate`.
        degradation: Which condition the method was given; one.
        severity: Its severity.
        fused_clean: Folder of what the same method made of the clean pairs, for the stability metrics.
        weights: Files of trained weights by metric, for those that read one.
        metrics: As in `evaluate`.
        profile: As in `evaluate`.
        limit: As in `evaluate`.
        seed: Seed the degraded pairs were made with.
        native: As in `evaluate`.
        results: As in `evaluate`.
        workers: As in `evaluate`.
        against: As in `evaluate`; methods the store has of these images count.
        listener: As in `evaluate`.

    Raises:
        InputError: As `evaluate`, and if the folder holds no image of any sample.
    """
    options = _with_folders(dataset_options, visible, infrared)
    opened = _opened(dataset, root, split, options)
    files = {metric: Path(path).expanduser() for metric, path in (weights or {}).items()}
    chosen = choose_metrics(metrics, profile, files, clean_output=fused_clean is not None)
    method_requests((), files, chosen)
    _require_at_least_one(metrics=chosen.names)
    conditions = _conditions(degradation, severity)
    if len(conditions) != 1:
        raise InputError("score: a folder of fused images belongs to one condition; give one severity")
    if "," in name:
        raise InputError(f"--name {name}: a comma separates names of methods; choose a name without one")
    folder = FusedFolder(Path(fused).expanduser())
    clean = None if fused_clean is None else FusedFolder(Path(fused_clean).expanduser())
    clean_folder = None if clean is None else clean.folder
    request = MethodRequest(name=name, fused=folder.folder, fused_clean=clean_folder)
    plan = make_plan(
        opened,
        conditions,
        [request],
        chosen,
        seed=seed,
        limit=_positive_limit(limit),
        dataset_options=options,
        native=native,
    )
    for option, given in (("--fused", folder), ("--fused-clean", clean)):
        if given is not None:
            _require_some_sample(plan, given, option)
    run_options = RunOptions(device="cpu", workers=_workers(workers, plan, "cpu"))
    evaluation = _run(plan, Path(results), run_options, listener, against)
    known = {sample.id for sample in opened.samples}
    unscored = tuple(sorted(folder.stems - known))
    return replace(evaluation, unscored=unscored, notices=_notices(chosen))


def _notices(metrics: MetricRequest) -> tuple[str, ...]:
    cards = [registry.load(request.kind, request.name).card for request in metrics.downstream]
    return tuple(card.notice for card in cards if card.notice)


def _require_some_sample(plan: Plan, folder: FusedFolder, option: str) -> None:
    ids = {sample.id for sample in plan.samples}
    if not folder.stems & ids:
        raise InputError(
            f"{folder.folder}: no image is named like one of the {len(ids)} samples of "
            f"{plan.dataset.card.name} (for example {plan.samples[0].id}.png); "
            f"check {option}, --dataset and --split"
        )


PAIRS_A_START = 16
"""Pairs for which an external method is started once."""


def _batch_size(asked: int, references: Sequence[str]) -> int:
    external = any(registry.EXTERNAL in reference for reference in references)
    return PAIRS_A_START if external and asked == 1 else _positive("batch_size", asked)


def _opened(
    dataset: str | Dataset, root: Path | str | None, split: str | None, options: Mapping[str, str] | None
) -> Dataset:
    if not isinstance(dataset, str):
        return dataset
    return open_dataset(dataset, None if root is None else Path(root).expanduser(), split, options)


def _with_folders(
    options: Mapping[str, str] | None, visible: Path | str | None, infrared: Path | str | None
) -> dict[str, str]:
    folders = {"visible": visible, "infrared": infrared}
    return {
        **(options or {}),
        **{name: str(folder) for name, folder in folders.items() if folder is not None},
    }


def _conditions(degradation: str | Sequence[str], severity: str | float | Sequence[float]) -> list[Condition]:
    texts = [degradation] if isinstance(degradation, str) else list(degradation)
    if isinstance(severity, str):
        levels = parse_severities(severity)
    else:
        levels = (severity,) if isinstance(severity, (int, float)) else tuple(severity)
    parsed = [parse_condition(text) for text in texts]
    _require_at_least_one(degradation=parsed, severity=levels)
    return list(dict.fromkeys(condition.with_severity(level) for condition in parsed for level in levels))


def _require_at_least_one(**chosen: Sequence[object]) -> None:
    for name, values in chosen.items():
        if not values:
            raise InputError(f"{name}: name at least one")


def _workers(asked: int, plan: Plan, device: Device, engine: Engine = "process") -> int:
    if engine == "ray":
        if asked > 1:
            raise InputError("workers: the cluster decides with --engine ray; leave --workers out")
        return 1
    if asked < 0:
        raise InputError(f"workers: expected 0 or more, got {asked}")
    if asked > 0:
        return asked
    if len(plan.samples) < WORTH_A_PROCESS or choose_device(device) != "cpu":
        return 1
    # Only the processors this process may use, where the system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise InputError(f"{name}: expected 1 or more, got {value}")
    return value


def _positive_limit(limit: int | None) -> int | None:
    return None if limit is None else _positive("limit", limit)


def _run(
    plan: Plan, results: Path, options: RunOptions, listener: Listener | None, against: Sequence[str]
) -> Evaluation:
    results = results.expanduser().absolute()
    store = Store(results)
    _require_rivals(plan, store, plan.metrics, against)
    if not all(store.is_done(cell) for cell in plan.cells):
        require_writable(results)
    report = run_plan(plan, store, options, listener)
    cells = [StoredCell(store.rows_path(cell), store.stamp(cell)) for cell in plan.cells]
    asked = groups_in_order(cells)
    beside = find_cells(results, sorted({cell.rows.parent for cell in cells}))
    neighbours = {group[0].group: group for group in comparable_groups(beside)}
    comparison = Comparison(tuple(dict.fromkeys(against)), scored=(listener or Silent()).scored)
    boards = tuple(make_table(neighbours[group[0].group], comparison) for group in asked)
    tables = tuple(
        make_table(group, replace(comparison, rivals=_rivals(group, neighbours[group[0].group], against)))
        for group in asked
    )
    return Evaluation(tables, boards, report)


def _rivals(
    group: Sequence[StoredCell], neighbours: Sequence[StoredCell], against: Sequence[str]
) -> tuple[StoredCell, ...]:
    """Cells of methods a table is to be compared with that stand in no row of it, but in the store."""
    there = {cell.stamp["method"] for cell in group}
    wanted = set(against) - there
    return tuple(cell for cell in neighbours if cell.has_set_metric and cell.stamp["method"] in wanted)


def _require_rivals(plan: Plan, store: Store, metrics: MetricRequest, against: Sequence[str]) -> None:
    """Check what is to be compared with before anything is computed."""
    if not against:
        return
    if not any(is_set_metric(name, metrics.profile) for name in metrics.names):
        raise InputError("--against: no metric of whole sets is asked for; add --metric map or miou")
    folders = {store.rows_path(cell).parent for cell in plan.cells}
    stamps = (read_stamp(path) for folder in folders for path in folder.glob("*.json"))
    stored = {stamp["method"] for stamp in stamps if stamp is not None}
    require_rivals(
        against, stored | {cell.method.name for cell in plan.cells}, "is asked for or in the store"
    )
