"""`laflow metric evaluate`: how good a learned metric is, on points it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from laflow.cli import console, metric_options, options
from laflow.cli.metric_report import as_json, note_where_no_metric, short, with_error
from laflow.cli.metric_train import CAPTION

if TYPE_CHECKING:
    from laflow.metric.geometry.sampling import PointSample
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.quality.evaluation import CurvatureEvaluation, Evaluation

POINTS = 20_000
CURVATURE_POINTS = 2000
CURVE_CELLS, DISC_CELLS = 201, 101
# The side of the square over a cubic curve, in square roots of the curve's area: it shows a few cells of the lattice.
COVER_SIDE = 2.2


def evaluate(
    model: metric_options.Model,
    points: Annotated[int | None, typer.Option(min=20, help="How many fresh points (default: 20000).")] = None,
    sample: metric_options.OnSample = None,
    ricci: Annotated[bool, typer.Option("--ricci", help="Measure the Ricci curvature too; takes longer.")] = False,
    euler: Annotated[bool, typer.Option("--euler", help="Integrate the curvature to the Euler number.")] = False,
    curvature_points: Annotated[
        int, typer.Option(min=20, help="Of the points, so many are used for --ricci and --euler.")
    ] = CURVATURE_POINTS,
    seed: options.Seed = 0,
    picture: metric_options.Picture = None,
    json: options.Json = False,
) -> None:
    """Measure the metric of MODEL on fresh points: σ, class, positivity, and curvature if asked for."""
    metric_options.check_output(picture, "--picture", ".png", "a picture is saved")

    from laflow.metric.model.model_files import load_metric
    from laflow.metric.quality.evaluation import evaluate as evaluated
    from laflow.metric.quality.evaluation import evaluate_curvature, evaluate_metric

    learned = load_metric(model)
    fresh = metric_options.fresh_sample(learned.hypersurface, sample, points, POINTS, seed)
    found, reference = evaluated(learned, fresh), evaluate_metric(fresh.fubini_study, fresh, learned.kappa)
    curvature = flat = None
    if ricci or euler:
        some = fresh.take(slice(0, curvature_points))
        # φ = 0 is Fubini–Study.
        zero = learned.with_parameters(np.zeros_like(learned.parameters))
        with console.progress(f"measuring curvature on {len(some)} points", 2) as advance:
            curvature = evaluate_curvature(learned, some)
            advance("this metric")
            flat = evaluate_curvature(zero, some)
            advance("Fubini–Study")
    note_where_no_metric(str(model), found)
    if picture is not None:
        draw(picture, learned, fresh, seed)
    result: dict[str, Any] = {
        "model": str(model),
        "surface": metric_options.surface_text(learned.hypersurface),
        "dimension": learned.hypersurface.dimension,
        "evaluation": as_json(found),
        "fubini_study": as_json(reference),
        "curvature": as_json(curvature),
        "fubini_study_curvature": as_json(flat),
        "picture": None if picture is None else str(picture),
    }
    if json:
        console.show_json(result)
        return
    rows = measures(found, reference, learned.hypersurface.dimension)
    if curvature is not None and flat is not None:
        rows += curvatures(curvature, flat, ricci=ricci, euler=euler)
    headings = ("", "this metric", "Fubini–Study", "exact")
    caption = CAPTION
    if curvature is not None:
        caption += (
            f"\ncurvature on {curvature.points} of the points; its differences have errors of "
            f"{curvature.ricci_difference:.0e} in |R|, {curvature.euler_difference:.0e} in the Euler number"
        )
    console.show_table(f"{model} on {found.points} points", headings, rows, caption=caption)
    if picture is not None:
        console.show_line(f"picture saved to {picture}")


def measures(found: Evaluation, reference: Evaluation, dimension: int) -> list[list[str]]:
    """Rows of a table: a metric, Fubini–Study, and what is known."""
    both = (found, reference)
    rows = [
        ["σ = mean |r|", *(with_error(item.sigma) for item in both), "0"],
        ["mean r²", *(with_error(item.mean_square) for item in both), "0"],
        ["largest |r|", *(short(item.largest_residual) for item in both), "0"],
        ["∫det g", *(with_error(item.volume) for item in both), f"{found.exact_volume:.6g}"],
        ["∫Jⁿ", *(with_error(item.class_number) for item in both), str(found.degree)],
    ]
    if dimension > 1:
        pairing = "∫J∧J_FS" + "²" * (dimension == 3)
        rows.append([pairing, *(with_error(item.class_pairing) for item in both), str(found.degree)])
    rows += [
        ["positive, %", *(f"{100 * item.positive_share:.6g}" for item in both), "100"],
        ["least eigenvalue", *(f"{item.least_eigenvalue:.3g}" for item in both), ""],
    ]
    if found.kappa.standard_error:
        rows.append(["κ, an estimate", with_error(found.kappa), "", ""])
    return rows


def curvatures(
    found: CurvatureEvaluation, reference: CurvatureEvaluation, *, ricci: bool, euler: bool
) -> list[list[str]]:
    """Rows of a table."""
    rows = []
    if ricci:
        rows.append(["mean |R|", *(with_error(item.ricci) for item in (found, reference)), "0"])
    if euler:
        exact = str(found.exact_euler)
        rows.append(["Euler number", *(with_error(item.euler) for item in (found, reference)), exact])
    return rows


def draw(path: Path, model: PhiModel, sample: PointSample, seed: int) -> None:
    """A picture of the residual on a slice of X, and of its distribution."""
    from laflow.cli.metric_pictures import Residuals, SliceFrame, save_residuals, surface_title
    from laflow.metric.geometry.slices import periods, universal_cover, widest_disc
    from laflow.metric.geometry.volume import estimate_volume
    from laflow.metric.quality import measures as of

    surface, rng = model.hypersurface, metric_options.generator(seed, metric_options.SLICE)
    if surface.dimension == 1:
        side = COVER_SIDE * estimate_volume(sample).value ** 0.5
        seen = universal_cover(surface, sample.points[0], side, CURVE_CELLS)
        first, second = periods(seen)
        area = abs((first.conjugate() * second).imag)
        frame = SliceFrame(seen.parameter, "u", (first, second))
        note = f"the curve is the plane of u = ∫Ω modulo the lattice of the dashed cell, of the area ∫|Ω|² = {area:.5g}"
    else:
        seen = widest_disc(sample, rng, DISC_CELLS)
        frame = SliceFrame(seen.parameter, "t", None)
        note = "left and middle: a disc x₀ + t v in local coordinates; a Ricci-flat metric has 0 everywhere"
    kappa = model.kappa.value
    metrics = [
        Residuals(
            name,
            seen.image(of.residuals(seen.sample, of.determinants(form(seen.sample)), kappa)),
            of.residuals(sample, of.determinants(form(sample)), kappa),
        )
        for name, form in (("Fubini–Study", lambda points: points.fubini_study), ("learned", model.metric))
    ]
    save_residuals(path, surface_title(surface), metrics, sample.weights, frame, note)
