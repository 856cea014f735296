"""CPU time of degrading a training batch in torch, beside one training step of a small network on it.

Run it in a clone on one otherwise idle core:

    OMP_NUM_THREADS=1 python benchmarks/degradations_torch.py [--repeats 10] [--crop 128] [--batch 8]

The network (four 3x3 convolutions of 32 channels, 30 thousand weights) is smaller than any fusion network in
use: training waits for a degradation only if it takes longer than this step.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench_degradations.batched import DrawnFields, Surroundings, collate, degrade_batch, parameters_of

CONDITIONS = (
    "haze", "fog", "rain", "motion_blur", "defocus", "over_exposure", "low_light", "noise", "jpeg",
    "ir_blur", "ir_low_contrast", "ir_noise", "ir_stripe", "haze+low_light", "haze+low_light+noise",
)  # fmt: skip


def least(work: Callable[[], object], repeats: int) -> float:
    """Least process time of several runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return 1000 * min(times)


def training_step(visible: torch.Tensor, infrared: torch.Tensor) -> Callable[[], object]:
    """One forward and backward pass with an update."""
    layers: list[nn.Module] = [nn.Conv2d(4, 32, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(32, 1, 3, padding=1))
    optimiser = torch.optim.Adam(network.parameters())
    stacked = torch.cat([visible, infrared], dim=1)

    def step() -> None:
        optimiser.zero_grad()
        (network(stacked) - infrared).abs().mean().backward()
        optimiser.step()

    return step


def main() -> None:
    """Print one line a condition."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--repeats", type=int, default=10)
    options.add_argument("--crop", type=int, default=128)
    options.add_argument("--batch", type=int, default=8)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    scenes = open_dataset("scenes", options={"count": str(chosen.batch)})
    pairs = [scenes.load(sample) for sample in scenes.samples]
    part = (200, 250, chosen.crop, chosen.crop)
    rows, columns = slice(200, 200 + chosen.crop), slice(250, 250 + chosen.crop)
    visible = torch.stack([torch.from_numpy(pair.visible[rows, columns] / 255.0).float() for pair in pairs])
    visible = visible.permute(0, 3, 1, 2).contiguous()
    infrared = torch.stack([torch.from_numpy(pair.infrared[rows, columns] / 255.0).float() for pair in pairs])
    infrared = infrared[:, None]
    surroundings = collate([Surroundings.of(pair).crop(*part) for pair in pairs])
    step = least(training_step(visible, infrared), chosen.repeats)
    print(f"training step of the small network: {step:.1f} ms for {chosen.batch} crops of {chosen.crop}")
    for name in CONDITIONS:
        parameters = parameters_of(parse_condition(f"{name}@3"), chosen.batch)

        def degrade(parameters: dict[str, torch.Tensor] = parameters) -> object:
            fields = DrawnFields(torch.Generator().manual_seed(0))
            return degrade_batch(visible, infrared, parameters, fields, surroundings)

        spent = least(degrade, chosen.repeats)
        print(
            f"{name:24}{spent:8.1f} ms{spent / step:8.2f} of a step{chosen.batch / spent * 1000:8.0f} crops/s"
        )


if __name__ == "__main__":
    main()
