"""The figures in the documentation are those on the cards, which the oracle tests hold against images."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench import registry
from fusionbench.contracts import CANONICAL

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def example_table() -> dict[tuple[str, str], str]:
    """Figures of the table "the same pair in this release", by metric and profile."""
    lines = TEXT[TEXT.index("| | canonical | tang") :].partition("\n\n")[0].splitlines()
    profiles = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {
        (row[0], profile): figure for row in rows for profile, figure in zip(profiles, row[1:], strict=True)
    }


TABLE = example_table()
CARDS = {(name, CANONICAL): plugin.card for name, plugin in registry.load_all("metric").items()} | {
    (name, profile): metric.card
    for profile in registry.names("profile")
    for name, metric in registry.load("profile", profile)().metrics.items()
}


@pytest.mark.parametrize(("name", "profile"), TABLE, ids="-".join)
def test_a_figure_of_the_example_is_the_one_on_the_card(name, profile):
    card = CARDS.get((name, profile))
    assert TABLE[name, profile] == ("–" if card is None else f"{card.example:.6g}")


@pytest.mark.parametrize("profile", registry.names("profile"))
def test_the_example_shows_every_metric_in_which_a_profile_differs(profile):
    differing = {name for (name, of), card in CARDS.items() if of == profile and card.difference}
    assert differing <= {name for name, of in TABLE if of == profile}


@pytest.mark.parametrize("profile", registry.names("profile"))
def test_the_documentation_introduces_every_profile(profile):
    assert f"| `{profile}` |" in TEXT
