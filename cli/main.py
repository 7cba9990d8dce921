"""``unmix``: the command line."""

import typer

from cli.demo import demo
from cli.inspect import inspect
from cli.keys import keys
from cli.parts import join
from cli.plot import plot
from cli.run import run
from cli.serve import serve, worker
from cli.submit import submit

app = typer.Typer(
    name="unmix",
    no_args_is_help=True,
    add_completion=False,
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
for command in (demo, inspect, run, join, plot, serve, submit, worker):
    app.command()(command)
app.add_typer(keys, name="keys")

if __name__ == "__main__":
    app()
