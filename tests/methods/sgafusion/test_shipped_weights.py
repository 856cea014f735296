"""The weights that come with the package: what they are, and what is claimed of them."""

from __future__ import annotations

import numpy as np
import pytest

import fusionbench
from fusionbench.contracts import ImagePair
from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.compose import degrade_pair
from fusionbench.errors import InputError
from fusionbench.fusing import fuse_pairs
from fusionbench.method_references import card_with
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ready_methods import ready_method
from fusionbench.training.sources import samples_of
from fusionbench_methods.sgafusion import load_checkpoint
from fusionbench_methods.sgafusion.method import SHIPPED, SGAFusion

BASELINES = ("average", "max", "lp", "gff")


def test_network_and_encoder_are_under_ten_megabytes():
    assert SHIPPED.stat().st_size < 10_000_000
    held = load_checkpoint(SHIPPED)
    assert held.network.configuration.variant == "fixed"
    assert held.encoder.configuration.tower.name == "compact"


def test_the_card_says_whose_they_are():
    card = card_with(SGAFusion, None)
    assert "not the authors'" in card.weights
    assert card.detail == "fixed, compact encoder, ours"


def test_changed_weights_are_refused(tmp_path, monkeypatch):
    changed = tmp_path / "fixed.safetensors"
    changed.write_bytes(SHIPPED.read_bytes()[:-1] + b"x")
    monkeypatch.setattr("fusionbench_methods.sgafusion.method.SHIPPED", changed)
    with pytest.raises(InputError, match=r"fixed.safetensors"):
        SGAFusion()


def test_no_pair_that_judges_was_learnt_from(shared):
    trained_on = card_with(SGAFusion, None).trained_on
    assert len(trained_on) > 100
    for name, split in (("roadscene", None), ("msrs", "test"), ("m3fd", None), ("llvip", "train")):
        dataset = open_dataset(name, shared / "data", split)
        for part in ("choose", "judge"):
            held_out = {f"{name}/{sample.id}" for sample in samples_of(dataset, part)}
            assert held_out and not held_out & trained_on


def test_a_table_says_how_many_of_its_images_were_learnt_from(shared, tmp_path):
    evaluation = fusionbench.evaluate(
        "roadscene",
        root=shared / "data",
        limit=3,
        methods=["sgafusion", "average"],
        metrics=["sd"],
        results=tmp_path,
    )
    text = render_markdown(evaluation.tables[0])
    assert "trained on 3 of 3" in text
    assert text.count("trained on") == 1


@pytest.fixture(scope="module")
def judged(shared) -> list[ImagePair]:
    """Four pairs by day that nothing was learnt from and nothing was chosen by."""
    dataset = open_dataset("msrs", shared / "data")
    days = [sample for sample in samples_of(dataset, "judge") if sample.native == "day"]
    return [dataset.load(days[place * len(days) // 4]) for place in range(4)]


@pytest.mark.parametrize("condition", ["haze@4", "low_light@4"])
def test_on_msrs_it_keeps_more_edges_than_closed_forms_where_damage_is_strong(judged, condition):
    scores = {name: [] for name in (*BASELINES, "sgafusion")}
    errors = {"input": [], "sgafusion": []}
    for pair in judged:
        damaged = degrade_pair(pair, parse_condition(condition), 1000, "test").pair
        for name, values in scores.items():
            fused = fuse_pairs(ready_method(name, device="cpu"), [damaged])[0].image
            measured = fusionbench.measure(fused, pair.visible, pair.infrared, ["qabf", "chroma_error"])
            values.append(measured["qabf"])
        errors["sgafusion"].append(measured["chroma_error"])
        clean = fusionbench.measure(damaged.visible, pair.visible, pair.infrared, ["chroma_error"])
        errors["input"].append(clean["chroma_error"])
    means = {name: np.mean(values) for name, values in scores.items()}
    assert max(means, key=means.get) == "sgafusion", means
    assert np.mean(errors["sgafusion"]) < np.mean(errors["input"])


def test_a_night_stays_a_night(shared):
    msrs = open_dataset("msrs", shared / "data")
    nights = [sample for sample in samples_of(msrs, "judge") if sample.native == "night"][:3]
    for sample in nights:
        pair = msrs.load(sample)
        fused = fuse_pairs(ready_method("sgafusion", device="cpu"), [pair])[0].image
        # As bright as a fusion of that night is, not as day.
        brightest = np.maximum(pair.visible.max(axis=2), pair.infrared).mean()
        assert fused.mean() < brightest
