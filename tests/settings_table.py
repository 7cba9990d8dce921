"""docs/settings.md, made of the settings: ``python -m tests.settings_table`` writes it anew."""

from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from model_store.settings import Settings

PLACE = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = """# Settings

Every setting of the service and its workers, from the environment. Some are options of `unmix serve` too. An empty
variable is none. Made of the code by `python -m tests.settings_table`.

| setting | default | what |
|---|---|---|
"""


def settings_table() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default: Any = "" if field.default in (None, PydanticUndefined, "") else f"`{field.default}`"
        rows.append(f"| `UNMIX_{name.upper()}` | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PLACE.write_text(settings_table(), "utf-8")
