"""`laflow metric`: Ricci-flat metrics on Calabi–Yau hypersurfaces, learned by neural potentials."""

import typer

from laflow.cli import console
from laflow.cli.metric_compare import compare
from laflow.cli.metric_evaluate import evaluate
from laflow.cli.metric_kernel import kernel
from laflow.cli.metric_options import SurfaceCommand
from laflow.cli.metric_sample import sample
from laflow.cli.metric_train import train

metric = typer.Typer(
    name="metric",
    help="Learn Ricci-flat metrics on Calabi–Yau hypersurfaces.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
metric.command(cls=SurfaceCommand)(sample)
metric.command(cls=SurfaceCommand)(train)
metric.command()(evaluate)
metric.command()(kernel)
metric.command(cls=SurfaceCommand)(compare)


@metric.callback(invoke_without_command=True)
def _metric(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        console.show_line(context.get_help())
