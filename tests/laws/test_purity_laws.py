"""Scenes without pure pixels: what changes when the request says that there are none."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.bundles import Bundles
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.errors import SpecError
from unmixing.simulation.purity import pure_for_each_nearly_pure
from unmixing.simulation.training_sets import model_scene
from unmixing.simulation.wider_sets import OF_MIXTURES, synthesise_wider
from unmixing.specs import UnmixSpec
from unmixing.types import SpectralLibrary, Unmixing, WarningCode

SIDE, N_BANDS, PUREST = 30, 40, 0.7


def spectra() -> np.ndarray:
    """Three materials, each dark where another is bright."""
    axis = np.linspace(0, 1, N_BANDS)
    rises = [0.03 + 0.5 / (1 + np.exp(-(axis - 0.5) / 0.06)), 0.05 + 0.4 * np.exp(-(((axis - 0.2) / 0.1) ** 2))]
    return np.stack([*rises, 0.04 + 0.3 * np.exp(-(((axis - 0.75) / 0.1) ** 2))])


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A cube of spectra that vary, no pixel of which is purer than PUREST, and its abundances."""
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.full(3, 0.5), size=SIDE**2)
    impure = (1 - PUREST) / (1 - 1 / 3)
    shares = (1 - impure) * shares + impure / 3
    varied = spectra() * (1 + 0.05 * np.sin(np.arange(N_BANDS) / 5 + rng.uniform(0, 6, (SIDE**2, 3, 1))))
    pixels = np.einsum("np,npb->nb", shares, varied) + 0.003 * rng.standard_normal((SIDE**2, N_BANDS))
    return pixels.reshape(SIDE, SIDE, N_BANDS).astype(np.float32), shares


def errors(result: Unmixing) -> tuple[float, float]:
    """Mean angle of the endmembers and RMSE of the abundances."""
    order = match_endmembers(result.endmembers, spectra())
    abundances = result.abundances.reshape(-1, 3)[:, order]
    return float(sad_radians(result.endmembers[order], spectra()).mean()), float(rmse(abundances, scene()[1]))


@pytest.fixture(scope="module")
def answers() -> dict[bool, Unmixing]:
    cube, _ = scene()
    return {pure: unmix(cube, UnmixSpec(n_endmembers=3, pure_pixels=pure)) for pure in (True, False)}


def test_endmembers_leave_the_pixels_when_none_is_pure(answers: dict[bool, Unmixing]) -> None:
    (usual_angle, usual_rmse), (angle, error) = errors(answers[True]), errors(answers[False])
    assert angle < 0.6 * usual_angle
    assert error < 0.6 * usual_rmse


def test_a_model_says_which_it_was_trained_for_and_answers_no_other(answers: dict[bool, Unmixing]) -> None:
    cube, _ = scene()
    for pure, answer in answers.items():
        assert answer.model is not None
        assert answer.model.manifest.request["pure_pixels"] is pure
        assert answer.provenance["spec"]["pure_pixels"] is pure
    with pytest.raises(SpecError, match="pure_pixels is false, the model was trained with pure_pixels=true"):
        unmix(cube, UnmixSpec(pure_pixels=False), model=answers[True].model)
    again = unmix(cube, UnmixSpec(pure_pixels=False), model=answers[False].model)
    np.testing.assert_allclose(again.abundances, answers[False].abundances, atol=1e-5)


def test_a_method_that_cannot_be_told_says_so() -> None:
    cube, _ = scene()
    with pytest.raises(SpecError, match="method vca_fcls cannot be told so; .* choose one of: lpalm"):
        unmix(cube, UnmixSpec(n_endmembers=3, method="vca_fcls", pure_pixels=False))


def test_given_endmembers_are_no_mixtures() -> None:
    cube, _ = scene()
    given = SpectralLibrary(("known",), None, spectra()[:1])
    spec = UnmixSpec(n_endmembers=3, pure_pixels=False, max_training_seconds=1e-9)
    np.testing.assert_array_equal(unmix(cube, spec, endmembers=given).endmembers[0], spectra()[0].astype(np.float32))


def test_sets_of_mixtures_lie_further_out_and_rebuild_their_pixels() -> None:
    rng = np.random.default_rng(0)
    library = 0.7 * spectra() + 0.15 * (spectra().sum(axis=0) - spectra())
    bundles = Bundles(unit_norm(library)[None], np.zeros(1))
    pixels = rng.dirichlet(np.ones(3), size=600) @ library
    model = model_scene(pixels, bundles, rng)
    possible, certain = synthesise_wider(model, 40, 50, rng), synthesise_wider(model, 40, 50, rng, OF_MIXTURES)
    truth = unit_norm(spectra())
    assert np.linalg.norm(certain.endmembers - truth, axis=2).mean() < 0.8 * np.linalg.norm(
        possible.endmembers - truth, axis=2
    ).mean()  # fmt: skip
    rebuilt = certain.brightness[:, :, None] * (certain.abundances @ (certain.norms[:, :, None] * certain.endmembers))
    assert np.linalg.norm(rebuilt - certain.pixels) < 0.05 * np.linalg.norm(certain.pixels)


def test_pixels_that_pile_up_at_the_endmembers_look_pure() -> None:
    rng = np.random.default_rng(1)
    mixed = rng.dirichlet(np.ones(3), size=900)
    with_pure = np.vstack([mixed, np.repeat(np.eye(3), 15, axis=0)])
    assert pure_for_each_nearly_pure(mixed) < 0.5
    assert pure_for_each_nearly_pure(with_pure) > 1


def test_the_evidence_is_given_only_where_purity_is_not_denied(answers: dict[bool, Unmixing]) -> None:
    assert answers[True].metrics["pure_for_each_nearly_pure"] > 0
    assert "pure_for_each_nearly_pure" not in answers[False].metrics
    assert WarningCode.PERHAPS_NOT_PURE not in {warning.code for warning in answers[False].warnings}
