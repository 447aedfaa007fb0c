"""Draw tables of docs/benchmarks.md: python -m tests.benchmarks.draw_figures (after the tables were changed)."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).resolve().parents[2] / "docs"


def table_under(heading: str, first_cell: str) -> list[list[str]]:
    """Return the rows of the first table below a heading whose header begins with `first_cell`."""
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    below = text[text.index(heading) :]
    lines = below[below.index(f"| {first_cell} |") :].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def number(text: str) -> float:
    """Return the first number of a cell."""
    return float(re.findall(r"[\d.]+", text)[0])


def draw_simulators(path: Path) -> None:
    """Draw solving time and peak memory of NEURON, CoreNEURON and the reference."""
    lines = (DOCS / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| | solving"))
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    names = [row[0].replace("`", "") for row in rows]
    colors = ["0.6" if name.startswith("reference") else "tab:blue" for name in names]
    for panel, column, label in ((panels[0], 1, "solving 20 ms (cpu s)"), (panels[1], 3, "peak memory (MB)")):
        bars = panel.barh(names, [number(row[column]) for row in rows], color=colors)
        panel.bar_label(bars, padding=2)
        panel.set_xlabel(label)
        panel.margins(x=0.15)
    panels[0].invert_yaxis()
    figure.savefig(path, dpi=120)


def draw_scaling(path: Path) -> None:
    """Draw strong scaling (speed-up, measured and predicted) and weak scaling (time per step)."""
    strong, weak = (table_under("### Scaling", "ranks"), table_under("Weak, demo", "ranks"))
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    ranks = [number(row[0]) for row in strong]
    speed = [number(row[2]) for row in strong]
    measured = [i for i, row in enumerate(strong) if "predicted" not in row[2]]
    panels[0].plot(ranks, ranks, color="0.7", label="ideal")
    panels[0].plot(ranks, speed, "o--", mfc="none", label="predicted")
    panels[0].plot([ranks[i] for i in measured], [speed[i] for i in measured], "o", label="measured")
    panels[0].set(xscale="log", yscale="log", xlabel="ranks", ylabel="speed-up of computing", title="strong")
    panels[0].legend()
    done = [row for row in weak if row[4]]
    panels[1].plot(
        [number(r[0]) for r in weak], [number(r[3]) for r in weak], "o--", mfc="none", label="predicted"
    )
    panels[1].plot([number(r[0]) for r in done], [number(r[4]) for r in done], "o", label="measured")
    for row in weak[::2]:
        panels[1].annotate(
            row[2], (number(row[0]), number(row[3])), (0, -14), textcoords="offset points", ha="center"
        )
    panels[1].set(xscale="log", xlabel="ranks", ylabel="slowest rank (ms per step)", ylim=(0, None))
    panels[1].set_title("weak, 30 cells per rank (numbers: synapses per cell)", fontsize="medium")
    panels[1].legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw_simulators(DOCS / "figures" / "simulators.png")
    draw_scaling(DOCS / "figures" / "scaling.png")
