"""Options that several commands share, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

Images = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGE...", help="Images: PNG, TIFF or NPY; grey, or with channels last."),
]
OneImage = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="The image: PNG, TIFF or NPY; grey, or with channels last.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all randomness.")]
SeedUnused = Annotated[
    int, typer.Option(min=0, help="As for the other commands; nothing is random here, so it changes nothing.")
]
Radius = Annotated[int, typer.Option(min=1, max=5, help="Radius of the patches: 1 is 3×3, 2 is 5×5.")]
Time = Annotated[float, typer.Option(help="End time T of the flow, above 0.")]
Steps = Annotated[int, typer.Option(min=1, help="Training steps.")]
DistanceScale = Annotated[
    float | None,
    typer.Option(
        help="Scale ρ of the distances, in units of the image [default: 3 × mean distance to the prototypes]."
    ),
]
Regularization = Annotated[float, typer.Option(help="Strength τ of the pull towards uniform weights, 0 or more.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(metavar="FILE.npz", help="Keep the state of the run here, to resume it after an interruption."),
]
CheckpointEvery = Annotated[float, typer.Option(metavar="SECONDS", help="How often the state is kept.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the state kept in --checkpoint.")]
