"""Render tables as Markdown a person reads on a code host or in an editor."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fusionbench.contracts import CANONICAL
from fusionbench.downstream import KINDS
from fusionbench.ranking.statistics import ranking_columns
from fusionbench.ranking.table import COST_HEADS, Column, Row, Table, Value, severity_text

MAX_COLUMNS = 14
"""Columns beside which a table no longer fits a page."""

MAX_FAILURES = 20
"""Failures listed one by one; the CSV and the store have them all."""


def render_markdown(table: Table) -> str:
    """The whole leaderboard as one Markdown document."""
    parts = [f"# {_escape(table.title)}", _facts(table), _grids(table), _legend(table)]
    if any(row.figures for row in table.rows):
        parts += ["## Further figures", _further(table)]
    for part in table.by_severity:
        parts += [f"## Severity {severity_text(part.severities)}", _grids(part), *_own_notes(part, table)]
    for part in table.by_native:
        head = f"## {part.native.capitalize()} ({part.images} pairs)"
        parts += [head, _grids(part), *_own_notes(part, table)]
    if table.all_failures:
        parts += ["## Without a value", _failures(table)]
    parts += ["## How it was made", _provenance(table)]
    return "\n\n".join(parts) + "\n"


def _own_notes(part: Table, table: Table) -> list[str]:
    """What holds for a part and not for the whole, as one paragraph."""
    own = [note for note in part.notes if note not in table.notes]
    return [" ".join(own)] if own else []


def _facts(table: Table) -> str:
    options = ", ".join(f"{name}={value}" for name, value in _shown_options(table).items())
    chosen = f" ({_escape(options)})" if options else ""
    text = f"Split `{_escape(table.split)}`{chosen}, {table.images} pairs"
    text += "." if table.severities == (0.0,) else f", degradation seed {table.seed}."
    text += f" Metrics of profile `{table.profile}`."
    if table.profile != CANONICAL:
        text += " Not comparable with tables of another."
    if table.left_out:
        text += f" {table.left_out}"
    if table.synthetic:
        text += " **Synthetic scenes: for trying the tool out, not evidence about methods.**"
    return text


def _grids(table: Table) -> str:
    """The table; where it is too wide to read, the columns against the degraded pair as one of their own."""
    against_degraded = [column for column in table.columns if column.reference == "degraded"]
    others = [column for column in table.columns if column.reference != "degraded"]
    if len(table.columns) <= MAX_COLUMNS or not against_degraded or not others:
        return _grid(table, table.columns, ranked=True)
    return "\n\n".join([_grid(table, others, ranked=True), _grid(table, against_degraded, ranked=False)])


def _grid(table: Table, columns: Sequence[Column], *, ranked: bool) -> str:
    failed = ranked and any(row.failed_images for row in table.rows)
    costs = [name for name in COST_HEADS if ranked and any(name in row.cost for row in table.rows)]
    heads = [
        "Method",
        *(_escape(column.head) for column in columns),
        *(["Mean rank"] if ranked else []),
        *(["Failed"] if failed else []),
        *(COST_HEADS[name] for name in costs),
    ]
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for row in table.rows:
        cells = [_name(row), *(_cell(table, row, column) for column in columns)]
        cells += [_rank(row)] if ranked else []
        cells += [str(row.failed_images or "")] if failed else []
        lines.append(_line([*cells, *(_cost(row, name) for name in costs)]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _name(row: Row) -> str:
    return f"*{_escape(row.label)}*" if row.reference else _escape(row.label)


def _rank(row: Row) -> str:
    return "–" if row.mean_rank is None else f"{row.mean_rank:.2f}"


def _cost(row: Row, name: str) -> str:
    if name not in row.cost:
        return "–"
    return f"{row.cost[name]:,.0f}" if name in ("parameters", "megabytes") else f"{row.cost[name]:.2f}"


def _cell(table: Table, row: Row, column: Column) -> str:
    value = row.values.get(column)
    if value is None:
        return "–"
    text = table.number(column, value)
    if value.place == 1:
        return f"**{text}**"
    return f"<u>{text}</u>" if value.place == 2 else text


def _legend(table: Table) -> str:
    lines = [
        "**Best**, <u>second</u>; ↑ higher is better, ↓ lower. "
        "Methods in *italics* are shown for reference, not ranked."
    ]
    if any(column.reference == "degraded" for column in table.columns):
        lines.append(
            "`clean` compares the fused image with the undamaged pair, `degraded` with the damaged pair the "
            "method was given: the second rewards keeping the damage."
        )
    noisy = [column.label for column in table.columns if column.rewards_noise]
    if noisy and table.degradation != "clean":
        lines.append(f"{', '.join(noisy)} also rise with noise: high is not good by itself here.")
    won = dict.fromkeys(f"{column.label} ({column.won_by})" for column in table.columns if column.won_by)
    if won:
        lines.append(f"Best by construction, without fusing well: {', '.join(won)}.")
    deciding = ", ".join(f"{column.label} {column.against}".strip() for column in ranking_columns(table))
    if deciding:
        lines.append(f"The mean rank, which orders the table, is over {deciding}.")
    if any(row.cost for row in table.rows):
        lines.append(
            "Weights, multiplications (GMAC), processor seconds and memory (MB) are for one pair of one "
            "size, all measured in one run."
        )
    if any(column.reference == "clean_output" for column in table.columns):
        lines.append(
            "Stability compares the output on the damaged pair with the method's own output on the clean one."
        )
    lines += table.notes
    return " ".join(lines)


def _further(table: Table) -> str:
    """Figures of whole sets that stand in no column: by class, by size."""
    names = list(dict.fromkeys(name for row in table.rows for name in row.figures))
    lines = [_line(["Method", *(_escape(name) for name in names)])]
    lines.append(_line(["---", *["---:"] * len(names)]))
    lines += [_line([_name(row), *(_figure(row.figures.get(name)) for name in names)]) for row in table.rows]
    return "\n".join(lines)


def _figure(value: Value | None) -> str:
    if value is None or not math.isfinite(value.mean):
        return "n/a"
    if value.interval is None:
        return f"{value.mean:.3f}"
    low, high = value.interval
    return f"{value.mean:.3f} [{low:.3f}, {high:.3f}]"


def _failures(table: Table) -> str:
    lines = [f"- {_escape(failure)}" for failure in table.all_failures[:MAX_FAILURES]]
    if len(table.all_failures) > MAX_FAILURES:
        lines.append(f"- and {len(table.all_failures) - MAX_FAILURES} more, all in the store")
    return "\n".join(lines)


def _provenance(table: Table) -> str:
    newest = table.stamps[-1]
    versions = newest["environment"]
    keys = ", ".join("`" + stamp["key"][:16] + "`" for stamp in table.stamps)
    lines = [
        *(f"- `{command}`" for command in reproducing_commands(table)),
        f"- samples: `{table.samples}`",
        *(f"- {name}: `{code}`" for name, code in newest["identity"]["condition"]["code"].items()),
        f"- fusionbench {versions['ivif-fusionbench']}, torch {versions['torch']}, "
        f"numpy {versions['numpy']}, Python {versions['python']}, {versions['device']}",
    ]
    return "\n".join(lines) + f"\n\n<details><summary>cells</summary>\n\n{keys}\n\n</details>"


def reproducing_commands(table: Table) -> list[str]:
    """The commands that compute the table again (files and folders are the user's own)."""
    scored = {stamp["method"] for stamp in table.stamps if stamp["display"]["method"]["scored"]}
    evaluated = sorted(
        {
            s["display"]["method"].get("written", s["method"])
            for s in table.stamps
            if s["method"] not in scored
        }
    )
    weighted = sorted({_written_weights(stamp) for stamp in table.stamps} - {""})
    common = _common_options(table)
    with_clean = {stamp["method"] for stamp in table.stamps if "fused_clean" in stamp["identity"]}
    commands = [
        f"fusionbench score {common} --fused DIR{' --fused-clean DIR' if name in with_clean else ''} "
        f"--name {shlex.quote(name)}"
        for name in sorted(scored)
    ]
    if evaluated:
        methods = shlex.quote(",".join(evaluated))
        commands.insert(0, f"fusionbench eval {common} --method {methods}{''.join(weighted)}")
    return commands


def _written_weights(stamp: Mapping[str, Any]) -> str:
    if not stamp["identity"]["method"].get("weights"):
        return ""
    name = stamp["display"]["method"].get("written", stamp["method"])
    return f" --weights {shlex.quote(name + '=FILE')}"


def _common_options(table: Table) -> str:
    parts = [f"--dataset {table.dataset}", f"--split {table.split}"]
    parts += [f"--dataset-option {name}={value}" for name, value in _shown_options(table).items()]
    if table.degradation != "clean":
        parts.append(f"--degradation {table.degradation}")
    if table.severities != (0.0,):
        parts.append("--severity " + ",".join(f"{severity:g}" for severity in table.severities))
    if table.seed:
        parts.append(f"--seed {table.seed}")
    native = table.stamps[-1]["display"].get("native_choice", "auto")
    if native != "auto":
        parts.append(f"--native {native}")
    limit = table.stamps[-1]["display"]["limit"]
    if limit is not None:
        parts.append(f"--limit {limit}")
    if table.profile != CANONICAL:
        parts.append(f"--profile {table.profile}")
    metrics = {name: own for stamp in table.stamps for name, own in stamp["identity"]["metrics"].items()}
    parts.append("--metric " + ",".join(metrics))
    needing = {_needs_weights(name, own) for name, own in metrics.items() if own.get("weights")}
    parts += [f"--weights {name}=FILE" for name in sorted(needing)]
    return " ".join(parts)


def _needs_weights(metric: str, identity: Mapping[str, Any]) -> str:
    """What weights are given for: a metric, or what looks at the images for it."""
    return next((str(identity[kind]) for kind in KINDS if kind in identity), metric)


def _shown_options(table: Table) -> dict[str, str]:
    """Options the dataset was opened with, without files and folders, which are the user's own."""
    return dict(table.stamps[-1]["display"]["dataset_options"])


def _escape(text: str) -> str:
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
