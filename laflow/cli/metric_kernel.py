"""`laflow metric kernel`: the spectrum of the tangent kernel by which a model learns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laflow.cli import console, metric_options, options
from laflow.cli.metric_report import short

if TYPE_CHECKING:
    from laflow.metric.geometry.sampling import PointSample
    from laflow.metric.model.phi_model import PhiModel
    from laflow.metric.tangent.residual_spectrum import ResidualSpectrum

POINTS = 500
LEADING = 10
FLOOR = 1e-6


def kernel(
    model: metric_options.Model,
    points: Annotated[int | None, typer.Option(min=20, help="How many fresh points (default: 500).")] = None,
    sample: metric_options.OnSample = None,
    seed: options.Seed = 0,
    picture: metric_options.Picture = None,
    json: options.Json = False,
) -> None:
    """Show the spectrum of MODEL's tangent kernel, beside that of a random network of the same shape."""
    metric_options.check_output(picture, "--picture", ".png", "a picture is saved")

    from laflow.metric.model.model_files import load_metric
    from laflow.metric.tangent.residual_spectrum import require_spectrum_room, residual_spectrum

    learned = load_metric(model)
    parameters = learned.network.parameter_count
    if sample is None:
        require_spectrum_room(POINTS if points is None else points, parameters)
    fresh = metric_options.fresh_sample(
        learned.hypersurface, sample, points, POINTS, seed, stream=metric_options.KERNEL
    )
    with console.progress(f"spectra of {len(fresh)} × {len(fresh)} kernels", 2) as advance:
        found = residual_spectrum(learned, fresh)
        advance("this model")
        random = residual_spectrum(untrained(learned, fresh, seed), fresh)
        advance("a random network")
    if picture is not None:
        draw(picture, learned, found, random)
    result: dict[str, Any] = {
        "model": str(model),
        "surface": metric_options.surface_text(learned.hypersurface),
        "points": len(fresh),
        "parameters": parameters,
        "trained": as_json(found),
        "random": as_json(random),
        "picture": None if picture is None else str(picture),
    }
    if json:
        console.show_json(result)
        return
    both = (random, found)
    rows = [
        ["largest eigenvalue λ₁", *(short(item.eigenvalues[0]) for item in both)],
        ["trace", *(short(item.trace) for item in both)],
        ["effective rank (Σλ)²/Σλ²", *(f"{item.effective_rank:.2f}" for item in both)],
        [f"eigenvalues above {FLOOR:g} λ₁", *(str(item.rank_within(FLOOR)) for item in both)],
        ["mean r² = Σ of its modes", *(short(float(item.energies.sum())) for item in both)],
        [f"of it in the {LEADING} leading modes", *(f"{100 * item.energy_share(LEADING):.3g} %" for item in both)],
    ]
    title = f"Tangent kernel of the residual on {len(fresh)} points, {parameters} parameters"
    console.show_table(title, ("", "random network", "this model"), rows)
    if picture is not None:
        console.show_line(f"picture saved to {picture}")


def as_json(spectrum: ResidualSpectrum) -> dict[str, Any]:
    """A spectrum as JSON: eigenvalues from the largest, and the residual's energy along each."""
    return {
        "eigenvalues": spectrum.eigenvalues.tolist(),
        "energies": spectrum.energies.tolist(),
        "trace": spectrum.trace,
        "effective_rank": spectrum.effective_rank,
    }


def untrained(model: PhiModel, sample: PointSample, seed: int) -> PhiModel:
    """A random network of the model's shape, as a training would begin with."""
    from laflow.metric.model.phi_model import PhiModel

    sizes = model.network.sizes
    return PhiModel.fresh(
        sample,
        metric_options.generator(seed, metric_options.KERNEL),
        features=model.features,
        width=sizes[1],
        depth=len(sizes) - 2,
        activation=model.network.activation,
        parametrisation=model.network.parametrisation,
    )


def draw(path: Path, model: PhiModel, trained: ResidualSpectrum, random: ResidualSpectrum) -> None:
    """Spectra and the residual's share along the modes, as a picture."""
    from laflow.cli.metric_pictures import Spectrum, save_spectra, surface_title

    spectra = [
        Spectrum(name, found.eigenvalues, found.energies)
        for name, found in (("random network", random), ("trained", trained))
    ]
    save_spectra(path, surface_title(model.hypersurface), spectra)
