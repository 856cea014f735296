"""What `--method` names: enhancements, then a method, and how its values become an image."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.api import evaluate, fuse
from fusionbench.errors import InputError, UnknownNameError
from fusionbench.evaluation.provenance import method_hash
from fusionbench.fusing import fuse_pairs
from fusionbench.images import luminance
from fusionbench.method_references import MethodReference
from fusionbench.ready_methods import ready_method
from fusionbench_methods.enhancements.dcp import DarkChannelPrior
from tests.conftest import make_pair


def test_enhancements_come_first_and_in_order():
    reference = MethodReference("dcp > clahe>lp")
    assert (reference.enhancements, reference.method, reference.name) == (
        ("dcp", "clahe"),
        "lp",
        "dcp>clahe>lp",
    )


@pytest.mark.parametrize("text", ["dcp>", ">lp", "dcp>>lp", ""])
def test_a_name_left_out_is_refused(text):
    with pytest.raises(InputError, match="write ENHANCEMENT>METHOD"):
        MethodReference(text)


def test_an_unknown_enhancement_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match=r"enhancement .*clahee.*clahe"):
        ready_method("clahee>lp")


def test_a_name_in_the_wrong_place_is_explained():
    with pytest.raises(InputError, match="dcp is an enhancement, which comes before a method: dcp>lp"):
        ready_method("lp>dcp")
    with pytest.raises(InputError, match="lp is a method; before it come enhancements only: bilateral"):
        ready_method("lp>gff")


def test_enhancing_first_is_fusing_the_enhanced_image():
    visible, infrared = make_pair(3)
    better = DarkChannelPrior().enhance(visible)
    assert not np.array_equal(better, visible)
    np.testing.assert_array_equal(fuse("dcp>lp", visible, infrared), fuse("lp", better, infrared))


def test_an_enhanced_method_is_another_one():
    hashes = {method_hash(name) for name in ("lp", "dcp>lp", "clahe>lp", "dcp>clahe>lp", "clahe>dcp>lp")}
    assert len(hashes) == 5


def test_it_is_a_row_of_its_own_judged_against_the_clean_pair(pair_folders, tmp_path):
    evaluation = evaluate(
        "folder",
        **pair_folders,
        degradation="haze",
        methods=["average", "dcp>average"],
        metrics=["ssim", "en"],
        results=tmp_path / "results",
    )
    rows = {row.method: row for row in evaluation.tables[0].rows}
    assert set(rows) == {"average", "dcp>average"} and evaluation.failures == ()


def test_minmax_stretches_what_the_method_gives(write_method):
    visible, infrared = make_pair(4)
    dim = write_method("return visible * 0.25 + 0.1")
    plain, stretched = fuse(dim, visible, infrared), fuse(dim, visible, infrared, post="minmax")
    luma = luminance(visible)
    wanted = 255 * (luma - luma.min()) / (luma.max() - luma.min())
    # Chroma can push a channel out of range; there luminance is cut off.
    inside = ((stretched > 0) & (stretched < 255)).all(axis=2)
    assert np.abs(luminance(stretched) - wanted)[inside].max() <= 1
    assert luminance(plain).std() < 0.5 * luminance(stretched).std()


def test_an_image_of_one_value_is_not_stretched(write_method):
    grey = np.full((8, 8, 3), 90, np.uint8)
    flat = write_method("return visible * 0 + 0.5")
    assert (fuse(flat, grey, grey[..., 0], post="minmax") == 128).all()


def test_reference_rows_are_never_stretched():
    visible, infrared = make_pair(5)
    np.testing.assert_array_equal(fuse("visible", visible // 2, infrared, post="minmax"), visible // 2)


def test_the_way_is_told_in_the_table_and_makes_another_result(pair_folders, tmp_path):
    def run(**how):
        return evaluate(
            "folder", **pair_folders, methods=["average"], metrics=["sd"], results=tmp_path / "results", **how
        )

    first, second = run(), run(post="minmax")
    assert second.report.computed == 3
    assert [row.method for row in second.tables[0].rows] == ["average (minmax)"]
    assert "post=minmax" in second._repr_markdown_()
    assert {row.method for row in second.boards[0].rows} == {"average", "average (minmax)"}
    assert [row.method for row in first.tables[0].rows] == ["average"]


def test_a_method_without_a_script_of_its_authors_says_so(pair_folders, tmp_path):
    with pytest.raises(InputError, match=r"--post official: method average has no script of its authors"):
        evaluate("folder", **pair_folders, methods=["average"], post="official", results=tmp_path)


def test_the_authors_script_is_used_where_it_is_asked_for(tmp_path):
    path = tmp_path / "scripted.py"
    path.write_text(
        "class Scripted:\n"
        "    def fuse(self, visible, infrared):\n"
        "        return visible\n"
        "    def official(self, visible, infrared):\n"
        "        return 255 - infrared\n"
    )
    visible, infrared = make_pair(6)
    fused = fuse(f"{path}:Scripted", visible, infrared, post="official")
    np.testing.assert_array_equal(fused, np.repeat(255 - infrared[..., None], 3, axis=2))


def test_all_takes_what_can_run_and_says_what_cannot(pair_folders, tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "none"))
    evaluation = evaluate(
        "folder", **pair_folders, limit=1, methods=["all"], metrics=["sd"], results=tmp_path / "results"
    )
    assert {"average", "lp", "gff"} <= {row.method for row in evaluation.tables[0].rows}
    assert any(reason.startswith("seafusion: needs its authors' weights") for reason in evaluation.left_out)


def test_damaged_weights_of_one_do_not_keep_all_others(pair_folders, tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights" / "sage").mkdir(parents=True)
    (tmp_path / "weights" / "sage" / "checkpoints.pt").write_bytes(b"x" * 1000)
    evaluation = evaluate(
        "folder", **pair_folders, limit=1, methods=["all"], metrics=["sd"], results=tmp_path / "results"
    )
    assert len(evaluation.tables[0].rows) > 10
    assert any("checkpoints.pt: is not the authors' file" in reason for reason in evaluation.left_out)


def test_a_batch_is_enhanced_image_by_image():
    from fusionbench.contracts import ImagePair

    given = [ImagePair(str(seed), *make_pair(seed)) for seed in (1, 2)]
    ready = ready_method("gamma>average", device="cpu")
    together = [made.image for made in fuse_pairs(ready, given)]
    alone = [fuse_pairs(ready, [pair])[0].image for pair in given]
    assert all(np.array_equal(first, second) for first, second in zip(together, alone, strict=True))
