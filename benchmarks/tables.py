"""Runs as Markdown tables: every scene by itself, and every method over many scenes."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, median

from benchmarks.measuring import Run


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells as a table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))


def markdown(runs: Sequence[Run]) -> str:
    """The table: median of the seeds, and the worst in brackets."""
    lines = [
        "| scene | abundances of | method | SAD (rad) | RMSE | NMSE | NMSE / library's | in 90 % intervals | seconds "
        "| peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for scene, method in dict.fromkeys((run.scene, run.method) for run in runs):
        group = [run for run in runs if (run.scene, run.method) == (scene, method)]
        cells = [
            _cell([run.sad_radians for run in group], 4),
            _cell([run.rmse for run in group], 4),
            _cell([run.nmse for run in group], 4),
            _cell([run.ratio for run in group if run.ratio is not None], 2),
            _cell([run.coverage for run in group if run.coverage is not None], 2),
            _cell([run.seconds for run in group], 1),
            _cell([run.peak_mib for run in group], 0),
        ]
        lines.append(f"| {scene} | {group[0].abundances_of} | {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({max(values):.{digits}f})" if values else "-"


def summary(runs: Sequence[Run]) -> str:
    """One row per method over all scenes of ``runs``: medians over the scenes of the median of the seeds, the number
    of scenes where no other method is better, and the mean share of the truth within the 90 % intervals."""
    errors = _per_scene(runs, lambda run: run.rmse)
    angles = _per_scene(runs, lambda run: run.sad_radians)
    lines = [
        "| method | scenes | median RMSE | median SAD (rad) | wins by RMSE | wins by SAD | in 90 % intervals |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in sorted(errors, key=lambda name: median(errors[name].values())):
        cells = [
            str(len(errors[method])),
            f"{median(errors[method].values()):.4f}",
            f"{median(angles[method].values()):.4f}",
            str(_wins(errors, method)),
            str(_wins(angles, method)),
            _mean([run.coverage for run in runs if run.method == method and run.coverage is not None]),
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> str:
    return f"{mean(values):.2f}" if values else "-"


def _per_scene(runs: Sequence[Run], value: Callable[[Run], float]) -> dict[str, dict[str, float]]:
    """Method -> scene -> median of the seeds."""
    table: dict[str, dict[str, float]] = {}
    for method, scene in dict.fromkeys((run.method, run.scene) for run in runs):
        group = [value(run) for run in runs if (run.method, run.scene) == (method, scene)]
        table.setdefault(method, {})[scene] = median(group)
    return table


def _wins(table: Mapping[str, Mapping[str, float]], method: str) -> int:
    return sum(value <= min(other[scene] for other in table.values()) for scene, value in table[method].items())
