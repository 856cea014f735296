"""`fusionbench train-detector` and `train-segmenter`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.downstream import DownstreamKind

LARGEST_SEED = 2**32 - 1
"""What every generator of random numbers that trainers seed can take."""


def train_network(
    context: typer.Context,
    network: Annotated[
        str, typer.Argument(help="Detector or segmenter that can be trained, such as yolo or unet.")
    ],
    method: options.MethodNames,
    dataset: options.DatasetName = "scenes",
    root: options.Root = None,
    split: Annotated[str, typer.Option(help="Split to learn from.")] = "train",
    dataset_option: options.DatasetOption = None,
    weights: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="Trained weights of a method; repeat.")
    ] = None,
    post: options.PostName = "clamp",
    start: Annotated[
        Path | None, typer.Option(help="Weights or description of the network to start from.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="The last one counts.")] = 50,
    size: Annotated[int, typer.Option(min=32, help="Longest side images are brought to.")] = 640,
    batch: Annotated[int, typer.Option(min=1, help="Images a step.")] = 16,
    seeds: Annotated[str, typer.Option(help="One network each; take three or more.")] = "0,1,2",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Setting of the detector's trainer; repeat."),
    ] = None,
    limit: options.Limit = None,
    device: options.DeviceName = "auto",
    out: Annotated[Path, typer.Option(help="Folder for the networks.")] = Path("networks-trained"),
    quiet: options.Quiet = False,
) -> None:
    """Train a detector or segmenter for each method on its own fused images, by one recipe, for some seeds.

    Interrupted, the same command continues with what is missing. Then: fusionbench eval --metric map
    --weights yolo=OUT (or miou, unet=OUT) with the same methods, on the test part, clean or degraded.
    """
    from fusionbench import registry
    from fusionbench.contracts import DownstreamTraining
    from fusionbench.datasets import open_dataset
    from fusionbench.downstream_training import TrainingRequest, classes_of, train_networks
    from fusionbench.evaluation.method_choice import choose_methods, method_requests
    from fusionbench.measuring import MetricRequest

    files = {
        name: Path(path).expanduser()
        for name, path in options.named_values("--weights NAME=FILE", weights).items()
    }
    references, _ = choose_methods(options.names_in(method) or [], files, options.post(post))
    kind: DownstreamKind = "segmenter" if context.info_name == "train-segmenter" else "detector"
    other: DownstreamKind = "detector" if kind == "segmenter" else "segmenter"
    if network in registry.names(other) and network not in registry.names(kind):
        raise InputError(f"{network} is a {other}: train it with fusionbench train-{other} {network}")
    opened = open_dataset(dataset, root, split, options.dataset_options(dataset_option))
    training = DownstreamTraining(
        classes=classes_of(opened, kind),
        start=start,
        epochs=epochs,
        image_size=size,
        batch=batch,
        seed=0,
        device=options.device(device),
        options=_settings(settings),
    )
    request = TrainingRequest(
        kind,
        network,
        opened,
        tuple(method_requests(references, files, MetricRequest(()), options.post(post))),
        training,
        _seeds(seeds),
        limit,
    )
    for path in train_networks(request, out, lambda text: None if quiet else typer.echo(text, err=True)):
        typer.echo(str(path))


def _seeds(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"--seeds {text}: write whole numbers such as 0,1,2")
    seeds = tuple(dict.fromkeys(int(part) for part in parts))
    if max(seeds) > LARGEST_SEED:
        raise InputError(f"--seeds {text}: {max(seeds)} is too large; give seeds up to {LARGEST_SEED}")
    return seeds


def _settings(pairs: list[str] | None) -> tuple[tuple[str, Any], ...]:
    named = options.named_values("--set NAME=VALUE", pairs)
    return tuple((name, _value(text)) for name, text in named.items())


def _value(text: str) -> bool | int | float | str:
    """A setting as the type it looks like."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
