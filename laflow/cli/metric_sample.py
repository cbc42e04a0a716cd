"""`laflow metric sample`: points of a hypersurface, to train and evaluate on."""

from pathlib import Path
from typing import Annotated

import typer

from laflow.cli import console, files, metric_options, options
from laflow.cli.metric_report import as_json, with_error


def sample(
    surface: metric_options.Surface,
    points: Annotated[int, typer.Option(min=2, help="How many points.")] = 20_000,
    out: Annotated[
        Path | None, typer.Option(metavar="POINTS.npz", help="Where to save the points (default: points.npz).")
    ] = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Sample points of SURFACE by intersecting it with random lines; check its volume with them."""
    path = metric_options.output_path(out, "points.npz", "--out", "points are saved")

    from laflow.metric.geometry.point_files import save_points
    from laflow.metric.geometry.volume import estimate_volume, exact_volume, kappa

    found = metric_options.read_sample(surface, points, points, seed)
    files.make_folder(path)
    save_points(found, path)
    variety = found.hypersurface
    volume, exact = estimate_volume(found), exact_volume(variety)
    result = {
        "points": str(path),
        "count": len(found),
        "surface": metric_options.surface_text(variety),
        "dimension": variety.dimension,
        "volume": as_json(volume),
        "exact_volume": exact,
        "kappa": as_json(kappa(variety, found)),
        "farthest": float(variety.distances(found.points).max()),
    }
    if json:
        console.show_json(result)
        return
    rows = [
        ["complex dimension", str(variety.dimension)],
        ["points, on lines", f"{len(found)}, {int(found.line.max()) + 1}"],
        ["∫|Ω|² of the points", with_error(volume)],
        ["∫|Ω|² exactly", "not known in closed form" if exact is None else f"{exact:.8g}"],
        ["κ of det g = κ|Ω|²", with_error(kappa(variety, found))],
        ["distance of the farthest point", f"{result['farthest']:.1e}"],
    ]
    console.show_table(result["surface"] + " = 0", ("", ""), rows)
    console.show_line(f"{len(found)} points saved to {path}")
