"""The formulas in torch against the canonical path, with the same random fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fusionbench import registry
from fusionbench.contracts import ImagePair
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.errors import InputError
from fusionbench_degradations.batched import (
    CanonicalFields,
    DegradedBatch,
    DrawnFields,
    Surroundings,
    collate,
    degrade_batch,
    parameters_at,
    parameters_of,
)

HALF_A_LEVEL = 0.5
COMPOSITES = ("haze+low_light+noise", "haze+rain", "ir_blur+ir_noise+ir_stripe", "jpeg+noise")
NAMES = (*registry.names("degradation"), *COMPOSITES)


def tensors(pair: ImagePair) -> tuple[torch.Tensor, torch.Tensor]:
    visible = torch.from_numpy(pair.visible.astype(np.float32) / 255).permute(2, 0, 1)[None]
    return visible.contiguous(), torch.from_numpy(pair.infrared.astype(np.float32) / 255)[None, None]


def degraded(pair: ImagePair, name: str) -> DegradedBatch:
    parameters = parameters_of(parse_condition(name), 1)
    return degrade_batch(*tensors(pair), parameters, CanonicalFields([pair.id]), Surroundings.of(pair))


def difference(batch: DegradedBatch, canonical: ImagePair) -> float:
    """Mean absolute difference in levels, of the worse of the two images."""
    visible = batch.visible[0].permute(1, 2, 0).numpy() * 255
    infrared = batch.infrared[0, 0].numpy() * 255
    return max(
        float(np.abs(visible - canonical.visible).mean()), float(np.abs(infrared - canonical.infrared).mean())
    )


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_torch_agrees_with_the_canonical_path(street: ImagePair, name: str, severity: int) -> None:
    condition = f"{name}@{severity}"
    canonical = degrade_pair(street, parse_condition(condition), seed=0).pair
    assert difference(degraded(street, condition), canonical) < HALF_A_LEVEL


@pytest.mark.parametrize("name", ["haze", "rain", "motion_blur", "low_light"])
def test_torch_agrees_on_real_pairs(real_pair: ImagePair, name: str) -> None:
    canonical = degrade_pair(real_pair, parse_condition(f"{name}@4"), seed=0).pair
    assert difference(degraded(real_pair, f"{name}@4"), canonical) < HALF_A_LEVEL


def test_haze_of_a_crop_is_the_crop_of_the_haze(street: ImagePair) -> None:
    whole = degraded(street, "haze@3").visible[..., 10:74, 20:100]
    visible, infrared = (image[..., 10:74, 20:100] for image in tensors(street))
    frame = Surroundings.of(street).crop(10, 20, 64, 80)
    part = degrade_batch(
        visible, infrared, parameters_of(parse_condition("haze@3"), 1), CanonicalFields(["street"]), frame
    )
    torch.testing.assert_close(part.visible, whole)


def test_every_sample_has_its_own_severity_and_fields(street: ImagePair) -> None:
    pairs = [street, replace(street, id="other")]
    visible = torch.cat([tensors(pair)[0] for pair in pairs])
    infrared = torch.cat([tensors(pair)[1] for pair in pairs])
    weak, strong = (parameters_of(parse_condition(f"noise@{s}"), 1)["noise"] for s in (1, 4))
    batch = degrade_batch(
        visible,
        infrared,
        {"noise": torch.cat([weak, strong])},
        CanonicalFields(["street", "other"]),
        collate([Surroundings.of(pair) for pair in pairs]),
    )
    for sample, (pair, severity) in enumerate(zip(pairs, (1, 4), strict=True)):
        canonical = degrade_pair(pair, parse_condition(f"noise@{severity}"), seed=0).pair
        one = DegradedBatch(batch.visible[sample : sample + 1], batch.infrared[sample : sample + 1], {})
        assert difference(one, canonical) < HALF_A_LEVEL


@pytest.mark.parametrize("name", registry.names("degradation"))
def test_severity_zero_leaves_a_sample_as_it_is(street: ImagePair, name: str) -> None:
    visible, infrared = (torch.cat([image, image]) for image in tensors(street))
    frames = collate([Surroundings.of(street)] * 2)
    parameters = {name: parameters_at(name, torch.tensor([0.0, 3.0]))}
    batch = degrade_batch(visible, infrared, parameters, CanonicalFields(["street"] * 2), frames)
    torch.testing.assert_close(batch.visible[0], visible[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(batch.infrared[0], infrared[0], atol=1e-6, rtol=0)
    canonical = degrade_pair(street, parse_condition(f"{name}@3"), seed=0).pair
    one = DegradedBatch(batch.visible[1:], batch.infrared[1:], {})
    assert difference(one, canonical) < HALF_A_LEVEL


def test_severities_between_levels_are_interpolated_and_others_refused() -> None:
    found = parameters_at("low_light", torch.tensor([1.0, 2.5, 0.0]), "physical")
    assert found[:2].tolist() == [1.0, 2.5]
    assert bool(found[2].isnan())
    with pytest.raises(InputError, match="out of range"):
        parameters_at("low_light", torch.tensor([6.0]))


@pytest.mark.parametrize("name", ["noise@3", "low_light+noise@3"])
def test_the_noise_of_a_batch_is_that_of_the_canonical_ground_truth(street: ImagePair, name: str) -> None:
    canonical = degrade_pair(street, parse_condition(name), seed=0).maps["noise_sigma"]
    sigma = degraded(street, name).maps["noise_sigma"][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(sigma, canonical, rtol=1e-4)


def test_rain_on_a_crop_is_as_coarse_as_in_its_frame(street: ImagePair) -> None:
    whole = degraded(street, "rain@5").maps["streaks"]
    visible, infrared = (image[..., :60, :] for image in tensors(street))
    frame = Surroundings.of(street).crop(0, 0, 60, street.size[1])
    parameters = parameters_of(parse_condition("rain@5"), 1)
    part = degrade_batch(visible, infrared, parameters, CanonicalFields(["street"]), frame)
    torch.testing.assert_close(part.maps["streaks"], whole[..., :60, :])


def test_drawn_fields_depend_on_the_generators_seed_alone(street: ImagePair) -> None:
    def drawn(seed: int) -> torch.Tensor:
        fields = DrawnFields(torch.Generator().manual_seed(seed))
        parameters = parameters_of(parse_condition("noise+motion_blur@3"), 1)
        return degrade_batch(*tensors(street), parameters, fields, Surroundings.of(street)).visible

    torch.testing.assert_close(drawn(1), drawn(1), rtol=0, atol=0)
    assert not torch.equal(drawn(1), drawn(2))


def test_a_grey_camera_stays_grey(street: ImagePair) -> None:
    grey = np.repeat(street.visible[..., :1], 3, axis=2)
    batch = degraded(ImagePair("grey", grey, street.infrared), "haze+low_light+noise@3")
    assert torch.equal(batch.visible[:, 0], batch.visible[:, 2])


def test_gradients_pass_where_nothing_is_rounded(street: ImagePair) -> None:
    visible, infrared = tensors(street)
    visible.requires_grad_()
    parameters = parameters_of(parse_condition("haze+defocus@3"), 1)
    fields = CanonicalFields(["street"])
    batch = degrade_batch(visible, infrared, parameters, fields, Surroundings.of(street), quantised=False)
    batch.visible.mean().backward()
    assert visible.grad is not None
    assert float(visible.grad.abs().min()) > 0


def test_missing_surroundings_and_unknown_names_are_refused(street: ImagePair) -> None:
    fields = CanonicalFields(["street"])
    with pytest.raises(InputError, match="surroundings: needed"):
        degrade_batch(*tensors(street), parameters_of(parse_condition("haze@3"), 1), fields)
    with pytest.raises(InputError, match="snow: has no formula in torch"):
        degrade_batch(*tensors(street), {"snow": torch.ones(1)}, fields)
    with pytest.raises(InputError, match="only the profiles"):
        parameters_of(parse_condition("reside:haze@3"), 1)


def test_images_of_another_kind_are_refused(street: ImagePair) -> None:
    visible, infrared = tensors(street)
    parameters = {"noise": parameters_at("noise", [3])}
    fields = DrawnFields(torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match=r"torch\.uint8"):
        degrade_batch((visible * 255).byte(), infrared, parameters, fields)
    with pytest.raises(InputError, match=r"expected \(N, 3, H, W\)"):
        degrade_batch(visible, infrared[..., 1:], parameters, fields)
    with pytest.raises(InputError, match="expected one for each of 1"):
        degrade_batch(visible, infrared, {"noise": parameters_at("noise", [3, 3])}, fields)


def test_changing_surroundings_in_place_leaves_the_estimate_of_the_pair(street: ImagePair) -> None:
    before = Surroundings.of(street).depth.clone()
    Surroundings.of(street).depth.zero_()
    assert torch.equal(Surroundings.of(street).depth, before)
