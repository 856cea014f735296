"""Which metrics are measured when a person names some, none, all, or a profile."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from fusionbench import registry
from fusionbench.errors import InputError, UnknownNameError
from fusionbench.measuring import MetricRequest, choose_metrics, metric_names, ready_metrics
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.stability import StabilityPsnr

CORE = {"en", "mi", "sd", "sf", "ag", "cc", "scd", "mse", "psnr", "vif", "qabf", "ssim"}


def test_without_names_the_core_set_is_measured():
    assert set(choose_metrics().names) == CORE


def test_core_stands_for_the_core_set_among_other_names():
    assert set(choose_metrics(["core", "qcv"]).names) == CORE | {"qcv"}


def test_all_is_every_metric_that_needs_nothing_further():
    cards = {name: plugin.card for name, plugin in registry.load_all("metric").items()}
    assert set(choose_metrics(["all"]).names) == {name for name, card in cards.items() if not card.needs}


def test_a_name_given_twice_is_measured_once():
    assert choose_metrics(["vif", "en", "vif"]).names == ("vif", "en")


def test_an_unknown_metric_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean ssim"):
        choose_metrics(["ssimm"])


@pytest.mark.parametrize("profile", registry.names("profile"))
def test_without_names_a_profile_is_measured_whole_in_its_own_order(profile):
    assert list(choose_metrics(profile=profile).names) == metric_names(profile)


@pytest.mark.parametrize("profile", registry.names("profile"))
def test_every_metric_of_a_profile_is_found_under_the_name_on_its_card(profile):
    ready = ready_metrics(choose_metrics(profile=profile))
    assert ready
    assert all(metric.card.name == name for name, metric in ready.items())


def test_a_metric_a_profile_does_not_have_is_refused_with_what_it_has():
    with pytest.raises(InputError, match=r"profile cddfuse has no metric qcv; it has .*qabf"):
        choose_metrics(["qcv"], "cddfuse")


def test_an_unknown_profile_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean tang"):
        choose_metrics(profile="tnag")


def test_all_leaves_out_what_needs_an_unknown_clean_output():
    without = choose_metrics(["all"], clean_output=False).names
    assert set(choose_metrics(["all"]).names) - set(without) == {"stability_psnr", "stability_ssim"}


def test_a_metric_that_needs_an_unknown_clean_output_is_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"stability_ssim: .*--fused-clean"):
        choose_metrics(["stability_ssim"], clean_output=False)


def test_a_clean_output_that_nothing_compares_with_is_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"--fused-clean.*add stability_ssim"):
        choose_metrics(clean_output=True)


def test_a_profile_of_somebody_may_have_metrics_of_the_clean_output(monkeypatch):
    class Steady:
        metrics: ClassVar = {"steady": StabilityPsnr(), "en": Entropy()}

    names = registry.names
    monkeypatch.setattr(registry, "names", lambda kind: ["steady"] if kind == "profile" else names(kind))
    monkeypatch.setattr(registry, "load", lambda kind, name: Steady)
    assert choose_metrics(profile="steady", clean_output=False).names == ("en",)
    with pytest.raises(InputError, match="steady"):
        choose_metrics(["steady"], "steady", clean_output=False)


def test_weights_for_a_metric_that_takes_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="metric en takes no weights"):
        ready_metrics(MetricRequest(("en",), weights=(("en", tmp_path),)))


def test_a_missing_file_of_weights_is_named(tmp_path):
    missing = tmp_path / "niqe.mat"
    with pytest.raises(InputError, match=r"niqe\.mat: no such weights file for metric niqe"):
        ready_metrics(choose_metrics(["niqe"], weights={"niqe": Path(missing)}))
