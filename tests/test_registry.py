"""Names find plugins, wrong names find help, and a broken plugin stops only who asks for it."""

import logging
from importlib.metadata import EntryPoint

import pytest

from fusionbench import registry
from fusionbench.errors import FusionbenchError, InputError, UnknownNameError


@pytest.fixture
def entry_points(monkeypatch):
    """Replace the installed entry points."""

    def use(*points: tuple[str, str]) -> None:
        found = [EntryPoint(name, value, "fusionbench.methods") for name, value in points]
        monkeypatch.setattr(registry, "entry_points", lambda group: found)
        registry._entry_points.cache_clear()

    yield use
    registry._entry_points.cache_clear()


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_bundled_plugin_loads_and_is_named_as_its_card_says(kind):
    assert registry.names(kind)
    for name in registry.names(kind):
        assert registry.load(kind, name).card.name == name


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no method is called 'averge'; did you mean average"):
        registry.load("method", "averge")


def test_a_name_like_no_other_lists_what_there_is():
    with pytest.raises(UnknownNameError, match=r"known: .*average"):
        registry.load("method", "zzzzzz")


def test_two_packages_with_one_name_are_an_error_that_names_both(entry_points):
    entry_points(("mine", "first.package:A"), ("mine", "second.package:B"))
    with pytest.raises(FusionbenchError, match=r"first\.package:A and second\.package:B"):
        registry.names("method")


def test_a_plugin_that_fails_to_import_is_left_out_with_a_warning(entry_points, caplog):
    entry_points(("broken", "no_such_package_anywhere:A"), ("average", "fusionbench_methods.average:Average"))
    with caplog.at_level(logging.WARNING):
        assert list(registry.load_all("method")) == ["average"]
    assert "broken" in caplog.text


def test_a_plugin_that_fails_to_import_stops_who_asks_for_it(entry_points):
    entry_points(("broken", "no_such_package_anywhere:A"))
    with pytest.raises(FusionbenchError, match=r"'broken'.*no_such_package_anywhere"):
        registry.load("method", "broken")


def test_a_method_is_found_in_a_file(write_method):
    method = registry.method_class(write_method("return infrared"))
    assert method.__name__ == "Mine"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("missing.py:Mine", "no such file"),
        ("missing.py", "path/to/file.py:ClassName"),
    ],
)
def test_a_file_reference_that_leads_nowhere_says_so(reference, message):
    with pytest.raises(InputError, match=message):
        registry.method_class(reference)


def test_a_file_without_the_class_is_named(write_method):
    with pytest.raises(InputError, match=r"mine\.py: has no class Other"):
        registry.method_class(write_method("return infrared").replace(":Mine", ":Other"))


def test_a_file_that_does_not_import_shows_its_own_error(tmp_path):
    (tmp_path / "bad.py").write_text("import no_such_package_anywhere\n")
    with pytest.raises(InputError, match=r"bad\.py.*no_such_package_anywhere"):
        registry.method_class(f"{tmp_path / 'bad.py'}:Mine")
