"""Whatever goes wrong with an image is a row with its reason, and harms no other."""

import re
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('no such layer')", "raised RuntimeError: no such layer"),
        ("return infrared * float('nan')", "NaN"),
        ("return infrared[..., 1:]", r"returned shape \(1, 1, 48, 63\); expected \(1, 1, 48, 64\)"),
        ("return infrared[0]", "returned shape"),
        ("return infrared.numpy()", "returned ndarray"),
        ("raise SystemExit(0)", "raised SystemExit"),
        ("return torch.complex(infrared, infrared)", "expected real values"),
        ("return infrared.to('meta')", "expected real values"),
        ("return infrared * 255", r"returned values in .* \[0, 1\]"),
    ],
)
def test_a_method_that_misbehaves_gets_failed_rows_and_harms_no_other(
    run, pair_folders, tmp_path, write_method, body, reason
):
    evaluation = run(pair_folders, tmp_path / "results", methods=[write_method(body), "average"], severity=3)
    rows = {row.method: row for row in evaluation.tables[0].rows}
    assert rows["Mine"].failed_images == 3
    assert not rows["Mine"].values
    assert rows["average"].failed_images == 0
    assert len(evaluation.failures) == 3
    for failure in evaluation.failures:
        assert re.search(reason, failure)


def test_only_the_guilty_image_of_a_batch_fails(run, pair_folders, tmp_path, write_method):
    dark = Path(pair_folders["infrared"]) / "pair 1.png"
    Image.new("L", (64, 48), 0).save(dark)
    picky = write_method("""
        if float(infrared.amax(dim=(1, 2, 3)).min()) == 0.0:
            raise ValueError("one of these is black")
        return infrared
    """)
    evaluation = run(pair_folders, tmp_path / "results", methods=[picky], degradation="clean", batch_size=3)
    (failure,) = evaluation.failures
    assert failure.startswith("pair 1 ")
    assert "one of these is black" in failure


def test_values_a_little_outside_the_range_are_clamped_and_counted(run, pair_folders, tmp_path, write_method):
    over = write_method("return infrared * 2 - 0.6")
    evaluation = run(pair_folders, tmp_path / "results", methods=[over], severity=3)
    assert evaluation.failures == ()
    assert evaluation.tables[0].stamps[0]["clamped_images"] == 3


def test_an_unreadable_image_fails_for_every_method_and_the_others_are_measured(run, pair_folders, tmp_path):
    path = Path(pair_folders["visible"]) / "pair 1.png"
    path.write_bytes(path.read_bytes()[:-100])
    evaluation = run(pair_folders, tmp_path / "results")
    (failure,) = {failure.split(": ", 1)[1] for failure in evaluation.failures}
    assert "pair 1.png" in failure
    assert {row.failed_images for row in evaluation.tables[0].rows} == {1}
    measured = {value.images for row in evaluation.tables[0].rows for value in row.values.values()}
    assert measured == {frozenset({"pair 0", "pair 2"})}


def test_an_orphan_is_a_failed_row_not_a_silent_skip(run, pair_folders, tmp_path):
    (Path(pair_folders["infrared"]) / "pair 2.png").unlink()
    evaluation = run(pair_folders, tmp_path / "results", severity=3)
    assert len(evaluation.failures) == 1
    assert "pair 2" in evaluation.failures[0]


def test_an_image_too_small_for_a_metric_says_what_it_needs(run, tmp_path):
    for name, mode in (("visible", "RGB"), ("infrared", "L")):
        (tmp_path / name).mkdir()
        Image.new(mode, (1, 1)).save(tmp_path / name / "dot.png")
    options = {name: str(tmp_path / name) for name in ("visible", "infrared")}
    evaluation = run(options, tmp_path / "results", degradation="clean", metrics=["en", "vif"])
    assert all("1x1; VIF needs at least" in failure for failure in evaluation.failures)
    assert {column.metric for row in evaluation.tables[0].rows for column in row.values} == {"en"}


def test_failed_images_are_computed_again_only_when_asked(run, pair_folders, tmp_path, write_method):
    marker = tmp_path / "repaired"
    method = write_method(f"""
        import pathlib
        if float(infrared[0, 0, 0, 0]) > 0.5 and not pathlib.Path({str(marker)!r}).exists():
            raise RuntimeError("broken")
        return infrared
    """)
    first = run(pair_folders, tmp_path / "results", methods=[method], degradation="clean")
    broken = len(first.failures)
    assert 0 < broken < 3
    marker.write_text("")
    again = run(pair_folders, tmp_path / "results", methods=[method], degradation="clean")
    assert (again.report.computed, len(again.failures)) == (0, broken)
    retried = run(
        pair_folders, tmp_path / "results", methods=[method], degradation="clean", retry_failed=True
    )
    assert (retried.report.computed, retried.failures) == (broken, ())


def test_a_dataset_that_raises_anything_makes_a_failed_row(run, pair_folders, tmp_path, monkeypatch):
    from fusionbench.datasets.folder import FolderDataset

    load = FolderDataset.load

    def careless(self, sample):
        if sample.id == "pair 1":
            raise KeyError("no such key")
        return load(self, sample)

    monkeypatch.setattr(FolderDataset, "load", careless)
    evaluation = run(pair_folders, tmp_path / "results", severity=3)
    (failure,) = evaluation.failures
    assert "KeyError" in failure
