"""Cards of published networks are complete, and true of the files."""

from __future__ import annotations

import csv

import pytest

from fusionbench import registry
from fusionbench.contracts import OfficialScript
from fusionbench.method_references import card_of

METHODS = {
    name: method for name, method in registry.load_all("method").items() if card_of(method).official_weights
}


def test_the_field_is_there():
    expected = {
        *(
            "auif",
            "dafusion",
            "datfuse",
            "densefuse",
            "didfuse",
            "gifnet",
            "ifcnn",
            "lrrnet",
            "mfeif",
            "pmgi",
        ),
        *("reconet", "sage", "sdnet", "seafusion", "ship", "stdfusionnet", "tardal", "tardal+", "tardal++"),
        *("u2fusion", "ydtr"),
    }
    assert expected <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_card_says_whose_it_is_what_it_needs_and_what_its_script_does(name):
    card = METHODS[name].card
    assert card.name == name
    for told in (card.title, card.year, card.code, card.parameters, card.official_output, card.summary):
        assert told
    assert "this implementation" in card.licence and "authors' code" in card.licence
    assert f"fusionbench weights get {name}" in card.needs
    assert issubclass(METHODS[name], OfficialScript)
    # DAFusion is not published yet.
    assert card.venue or name == "dafusion"


@pytest.mark.parametrize("name", METHODS)
def test_every_file_can_be_got_or_says_how_it_was_made(name):
    for each in METHODS[name].card.official_weights:
        assert each.licence and len(each.sha256) == 64
        assert each.url.startswith("https://") or each.note


def test_sizes_and_checksums_are_those_of_the_files(shared):
    with (shared / "weights" / "methods" / "MANIFEST.csv").open(encoding="utf-8") as stream:
        known = {row["sha256"]: row for row in csv.DictReader(stream)}
    for method in METHODS.values():
        for each in method.card.official_weights:
            row = known[each.sha256]
            assert (each.name, each.size) == (row["file"].rpartition("/")[2], int(row["bytes"]))
            if each.url:
                assert each.url.endswith(
                    f"{row['commit']}/{row['path']}".replace("+", "%2B")
                ) or each.url.endswith(f"{row['commit']}/{row['path']}")


@pytest.mark.parametrize("name", METHODS)
def test_no_weights_is_one_line_that_says_how_to_get_them(name, tmp_path, monkeypatch):
    from fusionbench.errors import InputError

    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match=rf"fusionbench weights get {name.replace('+', '.')}"):
        METHODS[name]()
