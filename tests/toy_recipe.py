"""A method whose recipe is small enough to be killed often: dropout, averaging, accumulation, two stages."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from tests.conftest import make_pair

TOY = """
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from fusionbench.contracts import RecipeCard, StageCard

HERE = Path(__file__).parent
PRESET = HERE / "toy.toml"


class ToyStage:
    def __init__(self, request):
        self.request = request
        self.frames = request.data.train
        width = 1 if request.options["narrow"] else 8
        self.module = torch.nn.Sequential(
            torch.nn.Linear(12, width), torch.nn.Tanh(), torch.nn.Dropout(0.3), torch.nn.Linear(width, 1)
        )
        if "first" in request.earlier:
            self.module.load_state_dict(load_file(request.earlier["first"]))

    def batch(self, draw):
        indices = draw.picks("frames", self.request.batch, len(self.frames.conditions))
        frames = [self.frames.frame(index) for index in indices]
        corners = [torch.tensor(frame.visible[:2, :2].astype("float32") / 255).flatten() for frame in frames]
        wanted = [float(frame.clean_infrared.mean()) / 255 for frame in frames]
        noise = torch.from_numpy(draw.generator("noise").standard_normal((len(frames), 12)).astype("float32"))
        if draw.step == self.request.options["poison"]:
            noise = noise * float("nan")
        time.sleep(self.request.options["pause"])
        return {
            "seen": torch.stack(corners) + self.request.options["noise"] * noise,
            "wanted": torch.tensor(wanted)[:, None],
            "names": [frame.name for frame in frames],
        }

    def loss(self, batch):
        return {"total": torch.nn.functional.mse_loss(self.module(batch["seen"]), batch["wanted"])}

    def report(self):
        return {"norm": float(sum(weight.detach().norm() for weight in self.module.parameters()))}

    def write(self, path, notes):
        save_file(self.module.state_dict(), path)


class ToyRecipe:
    options = {"narrow": False, "pause": 0.0, "poison": -1, "noise": 0.1}
    card = RecipeCard(
        method="toy",
        stages=(StageCard("first", "one", options), StageCard("second", "two", options)),
        presets={"toy": PRESET},
    )

    def build(self, request):
        return ToyStage(request)


class Toy:
    def fuse(self, visible, infrared):
        return visible

    @classmethod
    def recipe(cls):
        return ToyRecipe()


class Untrained:
    def fuse(self, visible, infrared):
        return visible
"""

SETTINGS = """
seed = 3

[data]
datasets = ["roadscene"]
conditions = ["clean", "noise"]

[stages.first]
steps = 24
batch = 3
learning_rate = 1e-2
schedule = "cosine"
clip = 0.5
average = 0.9

[stages.second]
steps = 16
batch = 2
learning_rate = 1e-2
optimiser = "adamw"
weight_decay = 0.1
accumulate = 2
"""


class Toy:
    """The toy method's files and what its commands need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.method = f"{folder / 'toy.py'}:Toy"
        self.root = folder / "data"

    def plan(self, out: str, overrides: Mapping[str, str] | None = None, **changes: Any) -> Any:
        from fusionbench.training import plan_training

        return plan_training(
            self.method,
            "toy",
            out=self.folder / out,
            root=self.root,
            overrides=overrides,
            device="cpu",
            **changes,
        )

    def command(self, out: str, *more: str) -> list[str]:
        places = ("--root", str(self.root), "--out", str(self.folder / out), "--device", "cpu")
        return ["train", self.method, "--recipe", "toy", *places, *more]


def write_toy(folder: Path) -> Toy:
    """Write the method, its recipe and ten pairs into a folder."""
    (folder / "toy.py").write_text(textwrap.dedent(TOY))
    (folder / "toy.toml").write_text(SETTINGS)
    for number in range(10):
        visible, infrared = make_pair(number, 24, 32)
        for name, image in (("crop_LR_visible", visible), ("cropinfrared", infrared)):
            path = folder / "data" / "RoadScene" / name / f"FLIR_{number:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path, quality=95)
    return Toy(folder)
