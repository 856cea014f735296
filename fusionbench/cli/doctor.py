"""`fusionbench doctor`."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import typer

from fusionbench import registry
from fusionbench.errors import FusionbenchError

EXTRAS = {
    "detect": "ultralytics (AGPL-3.0)",
    "quality": "open_clip_torch (MIT)",
    "ray": "ray (Apache-2.0)",
}
"""Optional feature, the package it needs, and that package's licence."""

ROOM_WORTH_A_WARNING = 1_000_000_000
"""Bytes of free disk below which a run may not be able to keep its results."""


def doctor() -> None:
    """Say what works on this machine and what to install for the rest; exit 1 if something is broken."""
    from rich.console import Console

    console = Console(highlight=False)
    broken = False
    for name, works, text in [*_environment(), *_plugins(), *_extras(), *_data(), *_room()]:
        mark = {True: "[green]ok[/]", False: "[red]broken[/]", None: "[dim]none[/]"}[works]
        console.print(f"{mark:>14}  {name}: ", end="")
        console.print(text, markup=False)
        broken = broken or works is False
    if broken:
        raise typer.Exit(1)


Finding = tuple[str, bool | None, str]
"""What was looked at; whether it works (None: it is not there and need not be); in words."""


def _environment() -> list[Finding]:
    from fusionbench.devices import choose_device
    from fusionbench.evaluation.provenance import environment

    device = choose_device("auto")
    found = environment(device)
    versions = ", ".join(
        f"{name} {number}" for name, number in found.items() if name not in ("platform", "device")
    )
    return [
        ("versions", True, versions),
        ("machine", True, found["platform"]),
        ("device", True, device if device != "cpu" else "cpu (no accelerator that torch can use)"),
    ]


def _plugins() -> list[Finding]:
    findings: list[Finding] = []
    for kind in registry.KINDS:
        names = registry.names(kind)
        findings.append(
            (f"{kind}s", bool(names), ", ".join(names) or "none registered; reinstall fusionbench")
        )
        findings += [
            (f"{kind} {name}", False, reason) for name in names if (reason := _why_broken(kind, name))
        ]
    return findings


def _why_broken(kind: registry.Kind, name: str) -> str:
    try:
        registry.load(kind, name)
    except FusionbenchError as error:
        return str(error)
    return ""


def _extras() -> list[Finding]:
    findings: list[Finding] = []
    for extra, package in EXTRAS.items():
        there = importlib.util.find_spec(package.split()[0].removesuffix("_torch")) is not None
        missing = f"pip install 'ivif-fusionbench[{extra}]' brings {package}"
        findings.append((f"extra {extra}", True if there else None, package if there else missing))
    return findings


def _data() -> list[Finding]:
    from fusionbench.datasets.roots import data_root

    findings: list[Finding] = []
    for name, dataset in registry.load_all("dataset").items():
        root = data_root(name, None) if dataset.card.needs_root else None
        if root is not None:
            works = root.is_dir()
            text = str(root) if works else f"{root} is no folder; mend FUSIONBENCH_DATA or the config file"
            findings.append((f"root of {name}", works, text))
    return findings or [("data roots", None, "set FUSIONBENCH_DATA or give --root; `scenes` needs none")]


def _room() -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    text = f"{free / 1e9:.1f} GB free here"
    return [("disk", free >= ROOM_WORTH_A_WARNING, text)]
