"""A cell's key is the hash of everything that changes a number, and of nothing else."""

from pathlib import Path

import pytest
from PIL import Image

import fusionbench
from fusionbench import registry
from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.errors import InputError, UnknownNameError
from fusionbench.evaluation.plan import MethodRequest, Plan, make_plan, shard_of
from fusionbench.measuring import choose_metrics
from fusionbench_metrics.en import Entropy


def plan_of(
    options, condition="haze@3", method="average", metrics=("en",), profile="canonical", **more
) -> Plan:
    dataset = open_dataset("folder", options=options)
    request = MethodRequest(Path(method).name, method)
    chosen = choose_metrics(metrics, profile)
    return make_plan(dataset, [parse_condition(condition)], [request], chosen, **more)


def key_of(*arguments, **more) -> str:
    return plan_of(*arguments, **more).cells[0].key


def test_the_same_request_has_the_same_key(pair_folders):
    assert key_of(pair_folders) == key_of(pair_folders)


def test_moving_the_images_to_another_folder_keeps_the_key(pair_folders, tmp_path):
    before = key_of(pair_folders)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    moved = {name: folder.replace("data", "elsewhere") for name, folder in pair_folders.items()}
    assert key_of(moved) == before


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "haze@2"},
        {"condition": "noise@3"},
        {"method": "max"},
        {"metrics": ("en", "sd")},
        {"seed": 1},
        {"limit": 2},
    ],
    ids=str,
)
def test_every_part_of_the_request_is_in_the_key(pair_folders, change):
    assert key_of(pair_folders, **change) != key_of(pair_folders)


def test_changing_one_pixel_of_one_image_changes_the_key(pair_folders):
    before = key_of(pair_folders)
    path = Path(pair_folders["infrared"]) / "pair 1.png"
    image = Image.open(path)
    image.putpixel((3, 3), 255 - image.getpixel((3, 3)))
    image.save(path)
    assert key_of(pair_folders) != before


def test_the_horizon_from_which_depth_is_guessed_is_in_the_key(pair_folders):
    assert key_of({**pair_folders, "horizon": "0.3"}) != key_of(pair_folders)


def test_the_seed_is_not_in_the_key_of_a_clean_condition(pair_folders):
    assert key_of(pair_folders, "clean", seed=1) == key_of(pair_folders, "clean", seed=2)


def code_of(options, method: str) -> str:
    return plan_of(options, method=method).cells[0].identity["method"]["code"]


def test_editing_a_method_changes_its_code_hash(pair_folders, write_method):
    first = write_method("return infrared", file_name="first/mine.py")
    second = write_method("return 1 - infrared", file_name="second/mine.py")
    assert code_of(pair_folders, first) != code_of(pair_folders, second)


def test_a_comment_in_a_method_does_not_change_its_code_hash(pair_folders, write_method):
    first = write_method("return infrared", file_name="first/mine.py")
    second = write_method("# a thought\n\nreturn infrared  # done", file_name="second/mine.py")
    assert code_of(pair_folders, first) == code_of(pair_folders, second)


def test_editing_a_module_beside_a_method_file_changes_its_code_hash(pair_folders, write_method, tmp_path):
    hashes = []
    for folder, gain in (("first", 1), ("second", 2)):
        method = write_method("import network; return infrared", file_name=f"{folder}/mine.py")
        (tmp_path / folder / "network.py").write_text("from layers import core\n")
        (tmp_path / folder / "layers").mkdir()
        (tmp_path / folder / "layers" / "__init__.py").write_text("")
        (tmp_path / folder / "layers" / "core.py").write_text(f"GAIN = {gain}\n")
        hashes.append(code_of(pair_folders, method))
    assert hashes[0] != hashes[1]


def test_a_method_file_may_import_the_modules_beside_it(pair_folders, write_method, tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("GAIN = 0.5\n")
    method = write_method("import neighbour_of_mine; return infrared * neighbour_of_mine.GAIN")
    files = [Path(pair_folders[name]) / "pair 0.png" for name in ("visible", "infrared")]
    raw = fusionbench.fuse(method, *files, raw=True)
    assert raw.max() <= 0.5


def test_weights_are_in_the_key_by_content(pair_folders, tmp_path):
    dataset = open_dataset("folder", options=pair_folders)
    keys = []
    for content, name in ((b"one", "a.pt"), (b"two", "b.pt"), (b"one", "c.pt")):
        path = tmp_path / name
        path.write_bytes(content)
        request = MethodRequest("average", "average", weights=path)
        plan = make_plan(dataset, [parse_condition("clean")], [request], choose_metrics(["en"]))
        keys.append(plan.cells[0].key)
    assert keys[0] == keys[2] != keys[1]


def test_shards_share_the_cells_out_completely_and_without_overlap(pair_folders):
    dataset = open_dataset("folder", options=pair_folders)
    conditions = [parse_condition(f"haze@{level}") for level in range(1, 6)]
    requests = [MethodRequest(name, name) for name in ("average", "max", "lp")]
    plan = make_plan(dataset, conditions, requests, choose_metrics(["en"]))
    shards = [shard_of(plan, index, 4).cells for index in (1, 2, 3, 4)]
    keys = [cell.key for shard in shards for cell in shard]
    assert sorted(keys) == sorted(cell.key for cell in plan.cells)
    assert len(keys) == len(set(keys)) == 15


def test_a_shard_outside_the_count_is_refused(pair_folders):
    with pytest.raises(InputError, match="5/4"):
        shard_of(plan_of(pair_folders), 5, 4)


def test_two_methods_of_one_name_are_refused(pair_folders):
    dataset = open_dataset("folder", options=pair_folders)
    twins = [MethodRequest("average", "average"), MethodRequest("average", "max")]
    with pytest.raises(InputError, match="average"):
        make_plan(dataset, [parse_condition("clean")], twins, choose_metrics(["en"]))


def test_an_unknown_metric_suggests_the_nearest(pair_folders):
    with pytest.raises(UnknownNameError, match="did you mean ssim"):
        plan_of(pair_folders, metrics=("sssim",))


def test_a_profile_is_in_the_key(pair_folders):
    assert key_of(pair_folders, profile="tang") != key_of(pair_folders)


def test_the_canonical_profile_is_the_default_one(pair_folders):
    assert key_of(pair_folders, profile="canonical") == key_of(pair_folders)


def test_metrics_of_the_clean_output_alone_are_refused_for_the_clean_condition(pair_folders):
    with pytest.raises(InputError, match=r"stability_ssim: .* name a degradation"):
        plan_of(pair_folders, condition="clean", metrics=("stability_ssim",))


def key_of_scored(options, folder, clean, metrics):
    dataset = open_dataset("folder", options=options)
    request = MethodRequest("mine", fused=folder, fused_clean=clean)
    plan = make_plan(dataset, [parse_condition("haze@3")], [request], choose_metrics(metrics))
    return plan.cells[0].key


def test_clean_outputs_are_in_the_key_only_where_a_metric_compares_with_them(pair_folders):
    folder, clean = Path(pair_folders["visible"]), Path(pair_folders["infrared"])
    keys = {
        name: [key_of_scored(pair_folders, folder, output, [name]) for output in (folder, clean)]
        for name in ("en", "stability_ssim")
    }
    assert keys["en"][0] == keys["en"][1]
    assert keys["stability_ssim"][0] != keys["stability_ssim"][1]


def test_the_weights_of_a_metric_are_in_its_key_by_content(pair_folders, tmp_path, monkeypatch):
    class Trained(Entropy):
        def __init__(self, weights=None):
            pass

    load = registry.load
    monkeypatch.setattr(
        registry, "load", lambda kind, name: Trained if (kind, name) == ("metric", "en") else load(kind, name)
    )
    keys = []
    for content, name in ((b"one", "a.mat"), (b"two", "b.mat"), (b"one", "c.mat")):
        (tmp_path / name).write_bytes(content)
        chosen = choose_metrics(["en"], weights={"en": tmp_path / name})
        dataset = open_dataset("folder", options=pair_folders)
        request = MethodRequest("average", "average")
        keys.append(make_plan(dataset, [parse_condition("clean")], [request], chosen).cells[0].key)
    assert keys[0] == keys[2] != keys[1]
