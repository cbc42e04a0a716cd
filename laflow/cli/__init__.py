"""The program `laflow`; one module a command. Heavy imports stand inside them, so that --help is quick."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import laflow.cli.threads  # noqa: F401  (before what loads NumPy)
from laflow.cli import console
from laflow.cli.demo import demo
from laflow.cli.fit import FitCommand, fit
from laflow.cli.label import label
from laflow.cli.metric import metric
from laflow.cli.weights import weights
from laflow.errors import LaflowError

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    name="laflow",
    help="Gradients of flows: label images with linearized assignment flows, learn Ricci-flat metrics.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command(cls=FitCommand)(fit)
app.command()(label)
app.command()(weights)
app.add_typer(metric)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.show_line(f"laflow {version('laflow')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        console.show_line(context.get_help())


def _found(message: str, error: typer.TyperException, arguments: Sequence[str]) -> str:
    """The value that was given to the option that `error` is about, where Typer leaves it out of its message."""
    names = getattr(getattr(error, "param", None), "opts", ())
    # Of an option that is given twice, the last one counts.
    for index, argument in reversed(list(enumerate(arguments))):
        name, equals, value = argument.partition("=")
        if name in names and (equals or index + 1 < len(arguments)):
            given = value if equals else arguments[index + 1]
            return "" if repr(given) in message else f", found {given!r}"
    return ""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program: 0 is success, 2 is bad input (with one line on stderr), 130 an interruption."""
    try:
        outcome = app(args=arguments, prog_name="laflow", standalone_mode=False)
    except typer.TyperException as error:
        typed = sys.argv[1:] if arguments is None else arguments
        message = error.format_message().replace("Value error, ", "").rstrip(". ")
        console.fail(f"{message}{_found(message, error, typed)} (--help shows what there is)")
        return BAD_INPUT
    except LaflowError as error:
        console.fail(str(error))
        return BAD_INPUT
    except BrokenPipeError:
        return BAD_INPUT
    except MemoryError:
        console.fail(
            "not enough memory; for images, use smaller ones or a smaller --radius, for metrics, fewer --points or a "
            "smaller --width"
        )
        return BAD_INPUT
    if outcome == INTERRUPTED:  # Typer has caught the interrupt
        console.fail("interrupted; no partial file was left behind")
    return int(outcome or 0)


def main() -> None:
    """The console script."""
    sys.exit(run())
