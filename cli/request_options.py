"""The fields of a request as options, one row each: types, limits and most of the help come from the specs."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from unmixing.io.formats.table import VARIABLE_FORMATS
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec

Command = Callable[..., None]

SPEC_FIELDS: Mapping[str, FieldInfo] = {
    **InputSpec.model_fields,
    **SeparationSpec.model_fields,
    **UnmixSpec.model_fields,
}


@dataclass(frozen=True)
class FieldOption:
    """A field of a request on the command line. flags: when the field's own name does not do. help: when there is no
    spec with the field, or other words than the spec's are better here. several: whether it may be given repeatedly."""

    field: str
    flags: tuple[str, ...] = ()
    help: str = ""
    metavar: str | None = None
    several: bool = False

    def parameter(self) -> inspect.Parameter:
        """The parameter from which Typer makes the option. Its default is None: the spec has the default."""
        spec = SPEC_FIELDS.get(self.field)
        option = typer.Option(
            *(self.flags or (f"--{self.field.replace('_', '-')}",)),
            help=self.help or (spec.description if spec is not None else None),
            metavar=self.metavar or _choices(spec),
            min=_limit(spec, "ge"),
            max=_limit(spec, "le"),
            show_default=_shown_default(spec) if not self.help else False,
        )
        values = list[str] if self.several else _type(spec)
        annotation = Annotated[values | None, option]  # type: ignore[valid-type]
        return inspect.Parameter(self.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


FIELD_OPTIONS = (
    FieldOption("n_endmembers", ("-p", "--n-endmembers")),
    FieldOption("n_sources", ("-s", "--n-sources")),
    FieldOption(
        "method",
        help="How to unmix: lpalm, or the model's method, when not given. Several, one by one or with commas between "
        "them, or `compare` for all, are shown side by side. A wrong name lists the methods there are.",
        metavar="NAME",
        several=True,
    ),
    FieldOption(
        "kind",
        help="image or mixtures, where a file could be read either way; decided from the file and the other options "
        "when not given.",
    ),
    FieldOption("abundances_of"),
    FieldOption("pure_pixels", ("--pure-pixels/--no-pure-pixels",)),
    FieldOption("variable", help=f"Which array of a {VARIABLE_FORMATS} file is meant."),
    FieldOption("axes", metavar="NAMES"),
    FieldOption(
        "rows",
        help="Which rows to take, 0:100 for the first hundred, or how many a matrix of pixels has, 95. With a model "
        "and without --columns, `unmix run` makes a part of these rows, which `unmix join` makes a result of together "
        "with the others.",
        metavar="FIRST:LAST",
    ),
    FieldOption("columns", metavar="FIRST:LAST"),
    FieldOption("wavelengths", metavar="FILE|LIST"),
    FieldOption("bad_bands", metavar="RANGES"),
    FieldOption("keep_bands", metavar="RANGES"),
    FieldOption("nodata", metavar="NUMBER"),
    FieldOption("scale", metavar="NUMBER"),
    FieldOption("acquired", metavar="TIME[/TIME]"),
    FieldOption("derived_from", metavar="URL"),
    FieldOption("nonnegative", ("--nonnegative/--signed",)),
    FieldOption("sparse", ("--sparse/--dense",)),
    FieldOption("seed"),
    FieldOption("max_training_seconds", metavar="SECONDS"),
)


def with_fields(*names: str) -> Callable[[Command], Command]:
    """Puts options for the fields of these names, or of all, in the place of a command's parameter ``fields``.

    The command gets there what was given, as the texts of a form.
    """
    rows = [row for row in FIELD_OPTIONS if not names or row.field in names]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def expanded(**arguments: Any) -> None:
            texts = {row.field: arguments.pop(row.field) for row in rows}
            command(
                **arguments, fields={field: _text(value) for field, value in texts.items() if value not in (None, [])}
            )

        signature = inspect.signature(command)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            parameters += [row.parameter() for row in rows] if parameter.name == "fields" else [parameter]
        by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        expanded.__signature__ = signature.replace(parameters=by_name)  # type: ignore[attr-defined]
        return expanded

    return decorate


def _text(value: object) -> str:
    """A value as the text of a form, in which several stand in one field."""
    return ",".join(value) if isinstance(value, list) else str(value)


def _type(spec: FieldInfo | None) -> type:
    """The type of a field's values; fields outside the specs, and lists, are text."""
    if spec is None:
        return str
    found = next(each for each in (*get_args(spec.annotation), spec.annotation) if each is not NoneType)
    return found if isinstance(found, type) else str


def _choices(spec: FieldInfo | None) -> str | None:
    """The values of a field that has a few, as they stand in the help."""
    return "|".join(get_args(spec.annotation)) if spec is not None and get_origin(spec.annotation) is Literal else None


def _limit(spec: FieldInfo | None, bound: str) -> float | None:
    """``ge`` or ``le`` of a field, if it has one."""
    limits = spec.metadata if spec is not None else []
    return next((getattr(limit, bound) for limit in limits if hasattr(limit, bound)), None)


def _shown_default(spec: FieldInfo | None) -> str | bool:
    return False if spec is None or spec.is_required() or spec.default is None else str(spec.default)
