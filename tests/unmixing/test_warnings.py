"""Each warning comes where it should."""

import numpy as np

from tests.conftest import REPOSITORY
from unmixing import unmix
from unmixing.specs import UnmixSpec
from unmixing.types import ResultWarning, WarningCode
from unmixing.warnings.fitting import fitting_warnings
from unmixing.warnings.table import WARNINGS, merged, warning


def codes(warnings: tuple[ResultWarning, ...]) -> set[str]:
    return {found.code for found in warnings}


def mixed(n_bands: int = 30, n_endmembers: int = 3) -> np.ndarray:
    """(20, 20, n_bands) of smooth, different spectra, some pixels pure."""
    rng = np.random.default_rng(0)
    axis = np.linspace(0, 1, n_bands)
    centres = np.linspace(0, 1, n_endmembers)[:, None]
    spectra = 0.2 + 0.6 * np.exp(-(((axis - centres) / 0.3) ** 2))
    abundances = rng.dirichlet([0.4] * n_endmembers, size=(20, 20))
    return abundances @ spectra + 0.002 * rng.standard_normal((20, 20, n_bands))


def test_a_plain_scene_has_no_warning() -> None:
    assert unmix(mixed(), UnmixSpec(method="vca_fcls", n_endmembers=3)).warnings == ()


def test_fewer_than_ten_bands_are_warned_of_with_their_number() -> None:
    result = unmix(mixed(n_bands=6), UnmixSpec(method="vca_fcls", n_endmembers=3))
    (found,) = [each for each in result.warnings if each.code == WarningCode.FEW_BANDS]
    assert "only 6 bands" in found.message
    assert found.action == WARNINGS[WarningCode.FEW_BANDS].action


def test_a_network_that_is_no_better_than_its_baseline_is_warned_of() -> None:
    (found,) = fitting_warnings({"ratio_to_constant_answer": 1.25})
    assert found.code == WarningCode.NO_BETTER_THAN_BASELINE
    assert "1.25" in found.message
    assert fitting_warnings({"ratio_to_constant_answer": 0.99}) == ()


def test_every_code_has_a_row_and_stands_in_the_documentation() -> None:
    assert set(WARNINGS) == set(WarningCode)
    documented = (REPOSITORY / "docs" / "results.md").read_text("utf-8")
    assert [
        code for code, kind in WARNINGS.items() if f"| `{code}` | {kind.meaning} | {kind.action} |" not in documented
    ] == []


def test_of_one_code_the_warning_nearest_to_the_numbers_stays() -> None:
    first, second = (warning(WarningCode.FEW_BANDS, text) for text in ("of the bands", "of a sample"))
    assert merged([first], [second]) == (first,)
