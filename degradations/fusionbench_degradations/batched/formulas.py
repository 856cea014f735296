"""The formulas, each as in the module of its name, on the images of a batch with a parameter a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from fusionbench.degrading import decode_visible, encode_visible, is_monochrome
from fusionbench.errors import InputError
from fusionbench_degradations.batched.blur import convolve_each
from fusionbench_degradations.batched.fields import Fields
from fusionbench_degradations.batched.surroundings import Surroundings
from fusionbench_degradations.convolution import Kernel, disk_kernel, line_kernel
from fusionbench_degradations.haze import INFRARED_RATIO
from fusionbench_degradations.ir_noise import LINE_SHARE
from fusionbench_degradations.ir_stripe import DRIFT_SHARE, GAIN_SHARE, OFFSET_SHARE, slow_drift
from fusionbench_degradations.jpeg import compressed
from fusionbench_degradations.low_light import FULL_WELL, READ_NOISE
from fusionbench_degradations.motion_blur import REFERENCE_HEIGHT
from fusionbench_degradations.noise import read_variance
from fusionbench_degradations.rain import BRIGHTNESS, VEIL, rain_streaks


@dataclass(frozen=True)
class BatchScene:
    """A batch on its way through image formation."""

    visible: torch.Tensor
    """`(N, 3, H, W)` linear light."""
    infrared: torch.Tensor
    """`(N, 1, H, W)`."""
    grey_camera: tuple[bool, ...]
    """Which samples have three equal visible channels."""
    surroundings: Surroundings | None
    fields: Fields
    maps: Mapping[str, torch.Tensor]

    @property
    def frames(self) -> Surroundings:
        """The whole frames' properties.

        Raises:
            InputError: If none were given.
        """
        if self.surroundings is None:
            raise InputError("surroundings: needed by these degradations; give Surroundings.of(pair)")
        return self.surroundings

    def pixels(self, sample: int, at_480: float) -> float:
        """A size in pixels at 480 rows, in pixels of this sample."""
        if self.surroundings is None:
            return at_480 * self.visible.shape[2] / REFERENCE_HEIGHT
        return at_480 * float(self.surroundings.frame_height[sample]) / REFERENCE_HEIGHT


Formula = Callable[[BatchScene, torch.Tensor], BatchScene]


def _haze(scene: BatchScene, tau: torch.Tensor) -> BatchScene:
    return _scattered(scene, tau, tau * INFRARED_RATIO)


def _fog(scene: BatchScene, tau: torch.Tensor) -> BatchScene:
    return _scattered(scene, tau, tau)


def _scattered(scene: BatchScene, tau: torch.Tensor, infrared_tau: torch.Tensor) -> BatchScene:
    frames = scene.frames
    through = torch.exp(-_each(tau) * frames.depth)
    infrared_through = torch.exp(-_each(infrared_tau) * frames.depth)
    return replace(
        scene,
        visible=scene.visible * through + frames.airlight * (1 - through),
        infrared=scene.infrared * infrared_through + frames.infrared_airlight * (1 - infrared_through),
        maps={**scene.maps, "transmission": through, "airlight": frames.airlight},
    )


def _rain(scene: BatchScene, intensity: torch.Tensor) -> BatchScene:
    """Streaks are drawn as long and wide as in the whole frame; a crop shows the upper rows of them."""
    height, width = scene.visible.shape[2:]
    drawn = []
    for sample, value in enumerate(intensity):
        frame_height = max(round(float(scene.frames.frame_height[sample])), height)
        streams = scene.fields.streams(sample, "rain")
        drawn.append(rain_streaks((frame_height, width), float(value), streams).opacity[:height])
    streaks = torch.from_numpy(np.stack(drawn))[:, None].to(scene.visible)
    veil = _each(1.0 - torch.exp(-VEIL * intensity))
    light = scene.frames.airlight.clamp_max(float(BRIGHTNESS))
    veiled = scene.visible * (1 - veil) + light * veil
    rainy = veiled * (1 - streaks) + float(BRIGHTNESS) * streaks
    return replace(scene, visible=rainy, maps={**scene.maps, "streaks": streaks})


def _motion_blur(scene: BatchScene, length: torch.Tensor) -> BatchScene:
    kernels: list[Kernel] = []
    for sample, value in enumerate(length):
        share = float(scene.fields.streams(sample, "motion_blur").uniform("angle", (1,))[0])
        kernels.append(line_kernel(scene.pixels(sample, float(value)), 180.0 * share))
    return replace(scene, visible=convolve_each(scene.visible, kernels))


def _defocus(scene: BatchScene, radius: torch.Tensor) -> BatchScene:
    kernels = [disk_kernel(scene.pixels(sample, float(value))) for sample, value in enumerate(radius)]
    return replace(scene, visible=convolve_each(scene.visible, kernels))


def _ir_blur(scene: BatchScene, sigma: torch.Tensor) -> BatchScene:
    taps = [_gaussian(scene.pixels(sample, float(value))) for sample, value in enumerate(sigma)]
    down = convolve_each(scene.infrared, [{(at, 0): weight for at, weight in each.items()} for each in taps])
    across = convolve_each(down, [{(0, at): weight for at, weight in each.items()} for each in taps])
    return replace(scene, infrared=across)


def _gaussian(sigma: float) -> dict[int, float]:
    radius = max(math.ceil(4 * sigma), 1)
    return {offset: math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)}


def _over_exposure(scene: BatchScene, stops: torch.Tensor) -> BatchScene:
    return replace(scene, visible=(scene.visible * _each(2.0**stops)).clamp_max(1.0))


def _low_light(scene: BatchScene, stops: torch.Tensor) -> BatchScene:
    signal = scene.visible * _each(2.0**-stops)
    variance = signal.clamp_min(0) / FULL_WELL + (READ_NOISE / FULL_WELL) ** 2
    return _with_sensor_noise(replace(scene, visible=signal), variance, "low_light")


def _noise(scene: BatchScene, shot: torch.Tensor) -> BatchScene:
    read = torch.tensor([read_variance(float(value)) for value in shot]).to(scene.visible)
    variance = _each(shot) * scene.visible.clamp_min(0) + _each(read)
    return _with_sensor_noise(scene, variance, "noise")


def _with_sensor_noise(scene: BatchScene, variance: torch.Tensor, name: str) -> BatchScene:
    height, width = scene.visible.shape[2:]
    drawn = [
        scene.fields.normal(sample, name, "sensor", (height, width, 1 if grey else 3)).expand(
            height, width, 3
        )
        for sample, grey in enumerate(scene.grey_camera)
    ]
    normal = torch.stack(drawn).permute(0, 3, 1, 2).to(scene.visible)
    sigma = variance.sqrt()
    # Independent noises add in their variances.
    earlier = scene.maps.get("noise_sigma")
    total = sigma if earlier is None else (earlier**2 + variance).sqrt()
    maps = {**scene.maps, "noise_sigma": total}
    return replace(scene, visible=scene.visible + sigma * normal, maps=maps)


def _jpeg(scene: BatchScene, quality: torch.Tensor) -> BatchScene:
    """Through the canonical path, sample by sample; no gradient passes."""
    light = scene.visible.detach().cpu().permute(0, 2, 3, 1).numpy()
    decoded = []
    for image, value in zip(light, quality, strict=True):
        encoded = encode_visible(np.ascontiguousarray(image, dtype=np.float32))
        rounded = min(max(math.floor(float(value) + 0.5), 1), 95)
        if is_monochrome(encoded):
            again = np.repeat(compressed(encoded[..., 0], rounded)[..., None], 3, axis=2)
        else:
            again = compressed(encoded, rounded)
        decoded.append(decode_visible(again))
    return replace(scene, visible=torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).to(scene.visible))


def _ir_low_contrast(scene: BatchScene, contrast: torch.Tensor) -> BatchScene:
    mean = scene.frames.infrared_airlight
    return replace(scene, infrared=mean + (scene.infrared - mean) * _each(contrast))


def _ir_noise(scene: BatchScene, strength: torch.Tensor) -> BatchScene:
    height, width = scene.infrared.shape[2:]
    parts = (
        ("pixel", (height, width), 1.0),
        ("row", (height, 1), LINE_SHARE),
        ("column", (1, width), LINE_SHARE),
    )
    noisy = scene.infrared
    for stream, shape, share in parts:
        drawn = [scene.fields.normal(n, "ir_noise", stream, shape) for n in range(len(strength))]
        noisy = noisy + share * _each(strength) * torch.stack(drawn)[:, None].to(noisy)
    return replace(scene, infrared=noisy)


def _ir_stripe(scene: BatchScene, strength: torch.Tensor) -> BatchScene:
    width = scene.infrared.shape[3]
    gains, offsets = [], []
    for sample in range(len(strength)):
        streams = scene.fields.streams(sample, "ir_stripe")
        gains.append(GAIN_SHARE * streams.normal("gain", (1, width)))
        offset = OFFSET_SHARE * streams.normal("offset", (1, width))
        offsets.append(offset + DRIFT_SHARE * slow_drift(streams, width))
    gain = torch.from_numpy(np.stack(gains))[:, None].to(scene.infrared)
    offset_each = torch.from_numpy(np.stack(offsets))[:, None].to(scene.infrared)
    striped = scene.infrared * (1 + _each(strength) * gain) + _each(strength) * offset_each
    return replace(scene, infrared=striped)


def _each(values: torch.Tensor) -> torch.Tensor:
    """A value a sample, shaped to multiply images."""
    return values.reshape(-1, 1, 1, 1)


FORMULAS: Mapping[str, Formula] = {
    "defocus": _defocus,
    "fog": _fog,
    "haze": _haze,
    "ir_blur": _ir_blur,
    "ir_low_contrast": _ir_low_contrast,
    "ir_noise": _ir_noise,
    "ir_stripe": _ir_stripe,
    "jpeg": _jpeg,
    "low_light": _low_light,
    "motion_blur": _motion_blur,
    "noise": _noise,
    "over_exposure": _over_exposure,
    "rain": _rain,
}
"""By the name of the degradation."""
