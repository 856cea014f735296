"""SGAFusion against the closed-form baselines under degradation, on held-out pairs, with intervals.

    python benchmarks/sgafusion_quality.py --checkpoint FILE --root DIR [--part judge] [--out quality.csv]

Every method gets the same degraded pair and is scored against the clean one. Differences are paired; their
95 % intervals come from resampling blocks of four consecutive names, since neighbours are alike.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import fusionbench
from fusionbench import api
from fusionbench.contracts import Dataset, ImagePair, Sample
from fusionbench.degrading import parse_condition
from fusionbench.degrading.compose import degrade_pair
from fusionbench.degrading.native_choice import natives_unsuited_to
from fusionbench.fusing import fuse_pairs
from fusionbench.ready_methods import ready_method
from fusionbench.training.parts import Part
from fusionbench.training.sources import open_datasets, samples_of
from fusionbench_methods.sgafusion import SGAFusionNet, load_checkpoint
from fusionbench_methods.sgafusion.checkpoint import Checkpoint
from fusionbench_methods.sgafusion.method import Embedding, told_of

DATASETS = "roadscene,msrs:test,m3fd,llvip:train"
CONDITIONS = "clean,haze@2,haze@3,haze@4,low_light@2,low_light@3,low_light@4"
BASELINES = ("average", "max", "lp", "gff")
METRICS = ("vif", "qabf", "ssim", "chroma_error")
OURS = "sgafusion"
BLOCK = 4
RESAMPLES = 2000


@dataclass(frozen=True)
class Case:
    """One pair under one condition."""

    dataset: Dataset
    sample: Sample
    condition: str
    block: str

    @property
    def name(self) -> str:
        """Of the pair."""
        return f"{self.dataset.card.name}/{self.sample.id}"


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    checkpoint = load_checkpoint(arguments.checkpoint) if arguments.checkpoint else None
    cases = list(_cases(arguments))
    known = set(checkpoint.notes.get("trained_on", ())) if checkpoint else set()
    if seen := sorted({case.name for case in cases} & known):
        raise SystemExit(f"the checkpoint learnt from {len(seen)} of these pairs, such as {seen[0]}")
    rows = [row for case in cases for row in _rows(case, checkpoint, arguments)]
    table = pd.DataFrame(rows)
    if arguments.out:
        table.to_csv(arguments.out, index=False)
    for heading, part in _groups(table):
        print(f"\n{heading}, {part['pair'].nunique()} pairs")
        print(_summary(part))
    if checkpoint is not None:
        print("\nsgafusion minus each, with 95 % intervals")
        for heading, part in _groups(table):
            print(f"{heading}: {_differences(part)}")


def _cases(arguments: argparse.Namespace) -> Iterator[Case]:
    part: Part = arguments.part
    for dataset in open_datasets(arguments.dataset.split(","), arguments.root):
        samples = samples_of(dataset, part, arguments.limit)
        for position, sample in enumerate(samples):
            for text in arguments.conditions.split(","):
                if sample.native not in natives_unsuited_to(parse_condition(text)):
                    yield Case(
                        dataset, sample, text, f"{dataset.card.name} {dataset.split} {position // BLOCK}"
                    )


def _rows(case: Case, checkpoint: Checkpoint | None, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    clean = case.dataset.load(case.sample)
    damaged = degrade_pair(
        clean, parse_condition(case.condition), arguments.seed, case.dataset.card.name
    ).pair
    rows = _baseline_rows(case, clean, damaged, arguments.cache)
    if checkpoint is not None:
        rows.append(_our_row(clean, damaged, checkpoint, arguments.embedding))
    common = {
        "dataset": case.dataset.card.name,
        "pair": case.name,
        "native": case.sample.native or "unmarked",
        "condition": case.condition,
        "block": case.block,
    }
    return [{**common, **row} for row in rows]


def _baseline_rows(
    case: Case, clean: ImagePair, damaged: ImagePair, cache: Path | None
) -> list[dict[str, Any]]:
    pixels = b"".join(
        image.tobytes() for image in (clean.visible, clean.infrared, damaged.visible, damaged.infrared)
    )
    key = hashlib.blake2b(
        f"2 {case.name} {fusionbench.__version__} ".encode() + pixels, digest_size=12
    ).hexdigest()
    kept = cache / f"{key}.json" if cache else None
    if kept is not None and kept.is_file():
        rows: list[dict[str, Any]] = json.loads(kept.read_text())
        return rows
    rows = []
    for name in BASELINES:
        fused = fuse_pairs(ready_method(name, device="cpu"), [damaged])[0].image
        rows.append({"method": name, **api.measure(fused, clean.visible, clean.infrared, list(METRICS))})
    # What the damage is, and what it does to colour, before anybody fuses.
    untouched = api.measure(damaged.visible, clean.visible, clean.infrared, ["chroma_error"])
    rows.append({"method": "input", **untouched, "restoration": _error(damaged.visible, clean.visible)})
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(rows))
    return rows


def _our_row(
    clean: ImagePair, damaged: ImagePair, checkpoint: Checkpoint, embedding: Embedding
) -> dict[str, Any]:
    network, encoder = checkpoint.network, checkpoint.encoder
    if network is None or encoder is None or isinstance(network, SGAFusionNet):
        raise SystemExit("give a complete checkpoint of the network fixed")
    visible = torch.from_numpy(damaged.visible.astype(np.float32) / 255).permute(2, 0, 1)[None]
    infrared = torch.from_numpy(damaged.infrared.astype(np.float32) / 255)[None, None]
    with torch.no_grad():
        told = told_of(encoder.embed(visible), embedding)
        fusion = network.restore_and_fuse(visible, infrared, told)
    fused, restored = (
        (image[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
        for image in (fusion.fused, fusion.restored)
    )
    values = api.measure(fused, clean.visible, clean.infrared, list(METRICS))
    return {"method": OURS, **values, "restoration": _error(restored, clean.visible)}


def _error(image: Any, clean: Any) -> float:
    return float(np.abs(image.astype(np.float64) - clean).mean())


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for condition, part in table.groupby("condition", sort=False):
        yield f"{condition}, all", part
        for dataset, of_dataset in part.groupby("dataset", sort=False):
            yield f"{condition}, {dataset}", of_dataset


def _summary(part: pd.DataFrame) -> str:
    columns = [name for name in (*METRICS, "restoration") if name in part]
    means = part.groupby("method", sort=False)[columns].mean()
    return means.round(3).to_string(na_rep="")


def _differences(part: pd.DataFrame) -> str:
    told = []
    for metric in ("qabf", "ssim", "vif"):
        wide = part.pivot(index=["block", "pair"], columns="method", values=metric)
        differences = [f"{name} {interval_text(wide[OURS] - wide[name])}" for name in BASELINES]
        told.append(f"{metric}: {', '.join(differences)}")
    return "; ".join(told)


def interval_text(differences: pd.Series) -> str:
    low, high = block_interval(differences)
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def block_interval(differences: pd.Series) -> tuple[float, float]:
    """95 % interval of the mean of differences indexed by block and pair, by resampling blocks."""
    blocks = [group.to_numpy() for _, group in differences.groupby(level="block")]
    sums = np.array([block.sum() for block in blocks])
    counts = np.array([len(block) for block in blocks])
    picked = np.random.default_rng(0).integers(len(blocks), size=(RESAMPLES, len(blocks)))
    means = sums[picked].sum(axis=1) / counts[picked].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checkpoint", type=Path, help="without it, baselines alone")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--dataset", default=DATASETS)
    parser.add_argument("--part", default="judge", choices=("train", "choose", "judge"))
    parser.add_argument("--conditions", default=CONDITIONS)
    parser.add_argument("--limit", type=int, default=0, help="pairs of each dataset")
    parser.add_argument("--embedding", default="true", choices=("true", "zero", "shuffled"))
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="folder that keeps the baselines' values")
    parser.add_argument("--out", type=Path, help="a row a pair, condition and method, as CSV")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
