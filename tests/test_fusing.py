"""The harness wraps every method the same way: luminance in, chroma back, padding, clamping, rounding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.contracts import ImagePair, MethodCard
from fusionbench.devices import choose_device
from fusionbench.errors import InputError, MethodError
from fusionbench.fusing import fuse_pairs, fuse_raw
from fusionbench.images import luminance, to_grey
from fusionbench.ready_methods import ReadyMethod, ready_method


def pair_of(height: int = 6, width: int = 9, seed: int = 0) -> ImagePair:
    generator = np.random.default_rng(seed)
    visible = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return ImagePair("x", visible, generator.integers(0, 256, (height, width), dtype=np.uint8))


class Recorder:
    """Returns the visible image and remembers what it was given."""

    def __init__(self, result=None) -> None:
        self.result = result
        self.seen = None

    def fuse(self, visible, infrared):
        self.seen = (visible, infrared)
        return visible if self.result is None else self.result(visible, infrared)


def ready(method, **card) -> ReadyMethod:
    return ReadyMethod("recorder", MethodCard(name="recorder", title="Recorder", **card), method, "cpu")


def test_a_luma_method_gets_luminance_in_0_to_1():
    method, pair = Recorder(), pair_of()
    fuse_pairs(ready(method), [pair])
    visible, infrared = method.seen
    np.testing.assert_allclose(visible[0, 0], luminance(pair.visible) / 255, atol=1e-7)
    np.testing.assert_array_equal(infrared[0, 0].numpy(), (pair.infrared / 255).astype(np.float32))


def test_an_rgb_method_gets_rgb():
    method, pair = Recorder(), pair_of()
    fused = fuse_pairs(ready(method, colour="rgb"), [pair])[0]
    assert tuple(method.seen[0].shape) == (1, 3, 6, 9)
    np.testing.assert_array_equal(fused.image, pair.visible)


def test_luminance_that_is_not_changed_gives_the_visible_image_back():
    pair = pair_of()
    np.testing.assert_array_equal(fuse_pairs(ready(Recorder()), [pair])[0].image, pair.visible)


def with_luminance(luma: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """The visible image as the harness gives it the fused luminance `luma` (0..255)."""
    pair = ImagePair("x", visible, visible[..., 0].copy())
    method = Recorder(lambda visible, infrared: torch.from_numpy((luma / 255).astype(np.float32))[None, None])
    return fuse_pairs(ready(method), [pair])[0].image


@given(st.integers(0, 2**32 - 1))
def test_the_fused_luminance_is_kept_unless_a_channel_saturates(seed):
    generator = np.random.default_rng(seed)
    visible = generator.integers(90, 166, (4, 5, 3), dtype=np.uint8)
    luma = generator.uniform(80, 170, (4, 5))
    assert np.abs(to_grey(with_luminance(luma, visible)).astype(float) - luma).max() <= 1.5


def test_attaching_chroma_is_the_textbook_ycbcr_exchange():
    visible = pair_of().visible
    luma = np.linspace(60, 200, 54, dtype=np.float32).reshape(6, 9).astype(np.float64)
    kr, kg, kb = 0.298936021293775, 0.587043074451121, 0.114020904255103
    red, green, blue = (visible[..., c].astype(float) for c in range(3))
    y = kr * red + kg * green + kb * blue
    cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    new_red, new_blue = luma + (2 - 2 * kr) * cr, luma + (2 - 2 * kb) * cb
    new_green = (luma - kr * new_red - kb * new_blue) / kg
    exact = np.clip(np.stack([new_red, new_green, new_blue], axis=2), 0, 255)
    assert np.abs(with_luminance(luma, visible) - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize(("height", "width"), [(6, 9), (1, 1), (16, 32), (5, 3), (17, 31)])
def test_a_method_that_needs_multiples_gets_them_and_its_output_is_cropped_back(height, width):
    method, pair = Recorder(), pair_of(height, width)
    fused = fuse_pairs(ready(method, multiple_of=16, colour="rgb"), [pair])[0]
    assert all(size % 16 == 0 for size in method.seen[0].shape[2:])
    np.testing.assert_array_equal(fused.image, pair.visible)


def test_one_channel_from_an_rgb_method_gets_the_visible_chroma():
    pair = pair_of()
    images = [
        fuse_pairs(ready(Recorder(lambda visible, infrared: infrared), colour=colour), [pair])[0].image
        for colour in ("rgb", "luma")
    ]
    np.testing.assert_array_equal(*images)


def test_rounding_is_half_up():
    method = Recorder(lambda visible, infrared: visible * 0 + 100.5 / 255)
    fused = fuse_pairs(ready(method, colour="rgb"), [pair_of()])[0]
    assert (fused.image == 101).all()


def test_the_fraction_of_clamped_values_is_counted():
    method = Recorder(lambda visible, infrared: visible * 0 + 1.25)
    fused = fuse_pairs(ready(method, colour="rgb"), [pair_of()])[0]
    assert fused.clamped == 1.0
    assert (fused.image == 255).all()


def test_raw_output_is_not_clamped_or_rounded():
    method = Recorder(lambda visible, infrared: infrared * 1.5 - 0.25)
    pair = pair_of()
    np.testing.assert_allclose(fuse_raw(ready(method), pair)[0], pair.infrared / 255 * 1.5 - 0.25, atol=1e-6)


def test_a_batch_gives_what_its_images_give_alone():
    pairs = [pair_of(seed=seed) for seed in range(3)]
    method = ready_method("lp", device="cpu")
    together = fuse_pairs(method, pairs)
    for pair, fused in zip(pairs, together, strict=True):
        np.testing.assert_array_equal(fuse_pairs(method, [pair])[0].image, fused.image)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda v, i: i.numpy(), "returned ndarray"),
        (lambda v, i: i[:, :, 1:], "returned shape"),
        (lambda v, i: i.repeat(1, 2, 1, 1), "returned shape"),
        (lambda v, i: i.repeat(2, 1, 1, 1), "returned shape"),
        (lambda v, i: i / 0, "NaN or infinite"),
        (lambda v, i: i * 255, "divide by 255"),
        (lambda v, i: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_an_output_that_is_no_fused_image_is_refused(result, message):
    with pytest.raises(MethodError, match=message):
        fuse_pairs(ready(Recorder(result)), [pair_of()])


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match=r"cuda.*--device cpu"):
        choose_device("cuda")


def test_weights_for_a_method_that_takes_none_are_refused(tmp_path):
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"x")
    with pytest.raises(InputError, match="average takes no weights"):
        ready_method("average", weights)


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pt"):
        ready_method("average", tmp_path / "nowhere.pt")
