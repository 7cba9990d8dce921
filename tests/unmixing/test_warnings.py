"""Each warning comes where it should, with the number measured, and not on a plain scene."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import REPOSITORY
from unmixing import unmix
from unmixing.cubes import cube_from_array
from unmixing.errors import BandMismatchError
from unmixing.io.products.document import input_report
from unmixing.mixtures.separation import separate
from unmixing.mixtures.specs import SeparationSpec
from unmixing.screening.detectors import overlap_kept
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import ResultWarning, SceneFacts, TrainedModel, Unmixing, WarningCode
from unmixing.warnings.applying import applying_warnings
from unmixing.warnings.fitting import fitting_warnings, library_warnings
from unmixing.warnings.reading import reading_warnings
from unmixing.warnings.table import WARNINGS, merged, warning

N_BANDS = 30


def spectra(n_bands: int = N_BANDS, n_endmembers: int = 3) -> NDArray[np.float64]:
    """Smooth and different, (n_endmembers, n_bands)."""
    axis = np.linspace(0, 1, n_bands)
    centres = np.linspace(0, 1, n_endmembers)[:, None]
    found: NDArray[np.float64] = 0.2 + 0.6 * np.exp(-(((axis - centres) / 0.3) ** 2))
    return found


def mixed(endmembers: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """(20, 20, n_bands): mixtures with pure pixels among them, and little noise."""
    rng = np.random.default_rng(seed)
    abundances = rng.dirichlet([0.4] * len(endmembers), size=(20, 20))
    cube: NDArray[np.float64] = abundances @ endmembers + 0.002 * rng.standard_normal((20, 20, endmembers.shape[1]))
    return cube


def solved(cube: NDArray[np.float64], n_endmembers: int | None = 3) -> Unmixing:
    return unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=n_endmembers))


def message(warnings: tuple[ResultWarning, ...], code: WarningCode) -> str:
    """Of the one warning of this code."""
    (found,) = [each for each in warnings if each.code == code]
    assert found.action == WARNINGS[code].action
    return found.message


def bands(shift_nm: float = 0.0) -> InputSpec:
    """The wavelengths that the model knows, or such beside them."""
    return InputSpec(wavelengths=tuple((np.linspace(500, 900, N_BANDS) + shift_nm).tolist()))


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """Trained for an instant on a plain scene."""
    spec = UnmixSpec(n_endmembers=3, max_training_seconds=0.1)
    trained = unmix(mixed(spectra()), spec, input=bands()).model
    assert trained is not None
    return trained


def test_a_plain_scene_has_no_warning() -> None:
    assert solved(mixed(spectra())).warnings == ()
    assert solved(mixed(spectra()), n_endmembers=None).warnings == ()


def test_fewer_than_ten_bands() -> None:
    assert "only 6 bands" in message(solved(mixed(spectra(6))).warnings, WarningCode.FEW_BANDS)


def test_maps_that_sum_to_one_look_like_abundances() -> None:
    maps = np.random.default_rng(0).dirichlet([0.5] * 12, size=(20, 20))
    found = message(solved(maps).warnings, WarningCode.LOOKS_LIKE_ABUNDANCES)
    assert "12 bands" in found
    assert "100%" in found
    many = np.random.default_rng(0).dirichlet([0.5] * 60, size=400).astype(np.float32)
    plain = reading_warnings(many, np.arange(60), None)
    assert WarningCode.LOOKS_LIKE_ABUNDANCES not in [doubt.code for doubt in plain]


def test_ones_in_abundances_are_no_fill() -> None:
    maps = np.random.default_rng(0).dirichlet([0.5] * 12, size=400).astype(np.float32)
    maps[:100] = np.eye(12, dtype=np.float32)[np.arange(100) % 12]
    assert [doubt.code for doubt in reading_warnings(maps, np.arange(12), None)] == [WarningCode.LOOKS_LIKE_ABUNDANCES]


def test_a_picture_of_whole_numbers_to_255() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.float64)
    assert "from 0 to 255" in message(solved(picture, 2).warnings, WarningCode.LOOKS_LIKE_PICTURE)
    reflectance = (picture / 255).reshape(-1, 3).astype(np.float32)
    assert [each.code for each in reading_warnings(reflectance, np.arange(3), None)] == [WarningCode.FEW_BANDS]


def test_negative_numbers_are_counted() -> None:
    cube = mixed(spectra())
    cube[:2] -= 1.0
    assert "10.0% of the numbers are negative" in message(solved(cube).warnings, WarningCode.NEGATIVE_VALUES)


def test_two_endmembers_of_nearly_one_shape() -> None:
    first, second, third = spectra()
    found = fitting_warnings(np.stack([first, third, 1.8 * first + 0.01 * second]).astype(np.float32), {})
    assert "1 and 3 (0.0" in message(found, WarningCode.DUPLICATE_ENDMEMBERS)
    assert fitting_warnings(spectra().astype(np.float32), {}) == ()


def test_a_count_that_is_practically_a_tie() -> None:
    known = spectra().astype(np.float32)
    assert "0.012" in message(fitting_warnings(known, {"n_endmembers_certainty": 0.012}), WarningCode.COUNT_UNCERTAIN)
    assert fitting_warnings(known, {"n_endmembers_certainty": 0.2}) == ()


def test_pixels_of_which_few_look_pure() -> None:
    known = spectra().astype(np.float32)
    found = fitting_warnings(known, {"pure_for_each_nearly_pure": 0.25})
    assert "0.25 pixels look pure" in message(found, WarningCode.PERHAPS_NOT_PURE)
    assert fitting_warnings(known, {"pure_for_each_nearly_pure": 1.2}) == ()


def test_a_network_that_is_no_better_than_its_baseline() -> None:
    known = spectra().astype(np.float32)
    found = fitting_warnings(known, {"ratio_to_constant_answer": 1.25})
    assert "1.25" in message(found, WarningCode.NO_BETTER_THAN_BASELINE)
    assert fitting_warnings(known, {"ratio_to_constant_answer": 0.99}) == ()


def test_a_library_that_is_far_from_every_endmember() -> None:
    def nearest(*angles: float) -> list[list[dict[str, float]]]:
        return [[{"angle_radians": angle}, {"angle_radians": angle + 0.1}] for angle in angles]

    assert "0.31 rad" in message(library_warnings(nearest(0.5, 0.31)), WarningCode.LIBRARY_FAR)
    assert library_warnings(nearest(0.5, 0.02)) == ()
    assert library_warnings([]) == ()


def test_much_of_the_signal_is_left() -> None:
    cube = mixed(spectra(n_endmembers=6))
    result = solved(cube, 2)
    relative = result.metrics["reconstruction_relative"]
    rebuilt = result.brightness[..., None] * (result.abundances @ result.endmembers)
    assert relative == pytest.approx(np.linalg.norm(rebuilt - cube) / np.linalg.norm(cube), rel=1e-3)
    assert f"{relative:.0%} of the signal" in message(result.warnings, WarningCode.LARGE_RESIDUAL)


def test_the_relative_error_does_not_depend_on_the_unit() -> None:
    cube = mixed(spectra())
    plain, scaled = (solved(factor * cube).metrics for factor in (1.0, 10_000.0))
    assert scaled["reconstruction_rmse"] == pytest.approx(10_000 * plain["reconstruction_rmse"], rel=1e-3)
    assert scaled["reconstruction_relative"] == pytest.approx(plain["reconstruction_relative"], rel=1e-3)


def test_an_endmember_that_is_in_hardly_any_pixel() -> None:
    cube = np.tile(mixed(spectra()), (3, 3, 1))
    cube[7, 7] = np.where(np.arange(N_BANDS) % 2, 1.0, 0.0)
    result = solved(cube, 4)
    rare = int(np.argmin(result.metrics["endmember_presence"]))
    assert result.metrics["endmember_presence"][rare] == pytest.approx(1 / 3600)
    assert f"endmember {rare + 1} (0.028%)" in message(result.warnings, WarningCode.RARE_ENDMEMBER)


def test_a_model_on_a_scene_unlike_its_own(model: TrainedModel) -> None:
    trained_on = model.manifest.metrics["training_reconstruction_relative"]
    assert 0 < trained_on < 0.05
    alike = unmix(mixed(spectra(), seed=1), model=model, input=bands())
    assert alike.warnings == unmix(mixed(spectra()), model=model, input=bands()).warnings
    rng = np.random.default_rng(5)
    unlike = unmix(rng.random((20, 20, N_BANDS)), model=model, input=bands())
    assert f"{trained_on:.1%} was in the scene" in message(unlike.warnings, WarningCode.UNLIKE_TRAINING_SCENE)
    assert WarningCode.UNLIKE_TRAINING_SCENE not in [each.code for each in alike.warnings]


def test_a_model_on_bands_of_other_wavelengths(model: TrainedModel) -> None:
    cube = mixed(spectra())
    shifted = unmix(cube, model=model, input=bands(10))
    assert "up to 10.0 nm from the nearest" in message(shifted.warnings, WarningCode.OTHER_WAVELENGTHS)
    with pytest.raises(BandMismatchError, match="500.0 to 900.0 nm, the image has 30 from 520.0 to 920.0 nm"):
        unmix(cube, model=model, input=bands(20))
    nearly = unmix(cube, model=model, input=bands(2))
    unknown = unmix(cube, model=model)
    for result in (nearly, unknown):
        assert WarningCode.OTHER_WAVELENGTHS not in [each.code for each in result.warnings]


def test_mixtures_that_are_hardly_explained() -> None:
    rng = np.random.default_rng(0)
    noise = np.abs(rng.standard_normal((60, 12)))
    found = separate(noise, SeparationSpec(method="nmf", n_sources=2)).warnings
    assert "of the signal" in message(found, WarningCode.LARGE_RESIDUAL)


def test_every_code_has_a_row_and_stands_in_the_documentation() -> None:
    assert set(WARNINGS) == set(WarningCode)
    documented = (REPOSITORY / "docs" / "results.md").read_text("utf-8")
    missing = [
        code for code, kind in WARNINGS.items() if f"| `{code}` | {kind.meaning} | {kind.action} |" not in documented
    ]
    assert missing == []


def test_of_one_code_the_warning_nearest_to_the_numbers_stays() -> None:
    first, second = (warning(WarningCode.FEW_BANDS, text) for text in ("of the bands", "of a sample"))
    assert merged([first], [second]) == (first,)


def test_residuals_and_presence_of_a_good_answer_are_silent() -> None:
    good = {
        "reconstruction_relative": 0.05,
        "endmember_presence": [0.01, 0.9],
        "training_reconstruction_relative": 0.01,
    }
    assert applying_warnings(good) == ()


@pytest.mark.parametrize(
    ("wavelengths", "said"),
    [
        (np.linspace(400, 2500, 12), None),
        (np.linspace(2500, 400, 12), None),
        ([400, 500, 600, 700, 800, 900, 850, 950, 1000, 1100, 1200, 1300], None),
        ([400, 500, 600, 700, 800, 900, 1000, 950, 1100, 1050, 1200, 1300],
         "turn back 2 times, first from band 6 (1000 nm) to band 7 (950 nm)"),
        ([900, 400, 1000, 500, 1100, 600, 1200, 700, 1300, 800, 1400, 850],
         "turn back 5 times, first from band 1 (400 nm) to band 2 (1000 nm)"),
        ([400, 500, 500, 700, 800, 900, 950, 960, 1000, 1100, 1200, 1300],
         "repeat 1 times, first 500 nm in bands 1 and 2"),
    ],
)  # fmt: skip
def test_wavelengths_that_turn_back_or_repeat_are_said(wavelengths: Sequence[float], said: str | None) -> None:
    values = np.random.default_rng(0).uniform(0.1, 0.9, (20, 20, 12))
    cube = cube_from_array(values, SceneFacts(wavelengths_nm=np.array(wavelengths, float)))
    found = [each.message for each in cube.warnings if each.code == WarningCode.BANDS_NOT_IN_ORDER]
    assert found == ([] if said is None else [f"the wavelengths of the bands used {said}"])


def test_detectors_in_any_order_overlap_only_where_both_measure() -> None:
    short, long = np.arange(400.0, 1000, 100), np.arange(1000.0, 2000, 100)
    assert overlap_kept(np.concatenate([long, short])) is None
    assert overlap_kept(np.concatenate([long, short + 150])) == (
        "detectors overlap from 1000 to 1050 nm; all their bands are kept"
    )


@pytest.mark.parametrize(("bad_bands", "said"), [
    ((), "detectors overlap from 850 to 900 nm; all their bands are kept"),
    ((5,), None),
])  # fmt: skip
def test_detectors_that_overlap_are_said_in_the_description_of_the_input(
    bad_bands: Sequence[int], said: str | None
) -> None:
    wavelengths = np.array([400, 500, 600, 700, 800, 900, 850, 950, 1000, 1100, 1200, 1300], float)
    values = np.random.default_rng(0).uniform(0.1, 0.9, (20, 20, 12))
    bad = np.isin(np.arange(12), bad_bands)
    cube = cube_from_array(values, SceneFacts(wavelengths_nm=wavelengths, bad_bands=bad))
    assert input_report(cube, 0)["detector_overlap"] == said
