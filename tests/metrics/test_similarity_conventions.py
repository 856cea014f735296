"""With other code bases' constants, windows and borders, the formulas give those code bases' values."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.local_similarity import WANG, SimilarityIndex
from fusionbench_metrics.qe import piella_edge_index
from fusionbench_metrics.ssim import structural_similarity
from fusionbench_metrics.vif import WINDOWS, Scales, visual_information_fidelity

REPEATED = replace(WANG, border="replicate")
BOX = SimilarityIndex(sigma=math.inf, border="zero")
PLAIN = SimilarityIndex(size=7, sigma=math.inf, sample_variance=True)


def off_centre_taps(size):
    offsets = np.linspace(-size // 2, size // 2, size)
    weights = np.exp(-(offsets**2) / (2 * (size / 5) ** 2))
    return weights / weights.sum()


OFF_CENTRE = Scales(tuple(off_centre_taps(size) for size in WINDOWS), "zero")


def similarity(index, factor=1):
    return lambda *images: factor * structural_similarity(*images, index)


CONVENTIONS = {
    ("tang_matlab_octave", "SSIM_L255"): (similarity(REPEATED), 1e-9),
    ("tang_matlab_octave", "SSIM_L1_double_as_coded"): (similarity(REPEATED.over_range(1)), 1e-9),
    ("hou_matlab_octave", "SSIM_uint8_half_sum"): (similarity(REPEATED), 1e-9),
    ("topanxal", "SSIM"): (similarity(BOX, 2), 1e-6),
    ("cddfuse_evaluator", "SSIM_data_range255"): (similarity(PLAIN, 2), 1e-6),
    # A range of 2 makes constants so small that float32 shows.
    ("cddfuse_evaluator", "SSIM_data_range2_old_skimage"): (similarity(PLAIN.over_range(2), 2), 1e-5),
    ("ivif_zoo", "VIF"): (lambda *images: visual_information_fidelity(*images, OFF_CENTRE), 1e-4),
    ("cslib", "q_e"): (lambda *images: piella_edge_index(*images, 0, 1), 1e-8),
}
"""Formula and relative tolerance; the wide ones are of float32 implementations."""


@pytest.fixture(scope="module")
def fusions(shared):
    root = shared / "reference" / "sgafusion_outputs"
    kept = {}

    def read(dataset, image):
        if (dataset, image) not in kept:
            paths = (next((root / dataset / part).glob(f"{image}.*")) for part in ("Ours", "Vis", "Inf"))
            kept[dataset, image] = tuple(to_grey(read_visible(path)) for path in paths)
        return kept[dataset, image]

    return read


@pytest.mark.parametrize(("implementation", "name"), CONVENTIONS, ids="-".join)
def test_another_convention_gives_the_value_of_the_code_base_that_has_it(
    implementation, name, shared, fusions
):
    formula, tolerance = CONVENTIONS[implementation, name]
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    rows = table[(table["implementation"] == implementation) & (table["metric"] == name)]
    expected = rows["value"].astype(float)
    found = [formula(*fusions(row.dataset, row.image)) for row in rows.itertuples()]
    assert len(found) > 0
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)
