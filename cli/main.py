"""``unmix``: the command line."""

from typing import Annotated

import typer

from cli.demo import demo
from cli.inspect import inspect
from cli.jobs import cancel, jobs, models
from cli.keys import keys
from cli.manners import mannered
from cli.parts import join
from cli.plot import plot
from cli.run import run
from cli.serve import serve, worker
from cli.submit import submit

app = typer.Typer(
    name="unmix",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the materials in a hyperspectral image and where they lie.\n\n"
    "A network (LPALM) is trained on the very image, without labels. `unmix demo` shows everything at once, "
    "`unmix run` works without a service, `unmix serve` offers it over HTTP.\n\n"
    "Every setting of the service is also read from the environment with the prefix UNMIX_: UNMIX_DATA, "
    "UNMIX_HOST, UNMIX_PORT, UNMIX_WORKERS, UNMIX_REDIS_URL (or REDIS_URL), UNMIX_DEVICE (cpu, cuda, auto), "
    "UNMIX_THREADS and more; an option on the command line wins.",
)
for command in (demo, inspect, run, join, plot, serve, submit, jobs, cancel, models, worker):
    app.command()(mannered(command))


def _show_version(wanted: bool) -> None:
    if wanted:
        # `unmix --help` should not wait for it.
        from importlib.metadata import version

        typer.echo(f"unmix {version('unmixing-service')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it and exit.")
    ] = False,
) -> None:
    """Every command is one of its own."""


app.add_typer(keys, name="keys")

if __name__ == "__main__":
    app()
