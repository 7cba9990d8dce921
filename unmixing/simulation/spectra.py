"""Reflectance of common materials from physical models, and how it varies within one material.

Leaves: PROSPECT-D (Feret et al. 2017) and two measured soils, both from the optional package ``prosail``.
Water: the model of Lee et al. (1999) with the absorption of pure water. Roads and roofs: smooth edges, since
no model of them exists.
"""

from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from unmixing.errors import needing
from unmixing.types import Float64

MODEL_NM = np.arange(400.0, 2501.0)
"""The grid of the models, (2101,)."""

Parameters = Mapping[str, float]


def _prosail() -> ModuleType:
    """Imported only when spectra are wanted: it is optional and takes a second."""
    with needing("demo"):
        import prosail
    module: ModuleType = prosail
    return module


def leaf(parameters: Parameters) -> Float64:
    """A leaf. layers; chlorophyll, carotenoids (ug/cm2); brown pigments (arbitrary); water, dry (g/cm2)."""
    p = parameters
    _, reflectance, _ = _prosail().run_prospect(
        p["layers"], p["chlorophyll"], p["carotenoids"], p["brown"], p["water"], p["dry"]
    )
    return np.asarray(reflectance, dtype=np.float64)


def soil(parameters: Parameters) -> Float64:
    """A soil between the measured dry and wet one (wetness 0 to 1). slope: tilt per micrometre."""
    dry, wet = _prosail().spectral_lib.soil
    wetness = np.clip(parameters["wetness"], 0.0, 1.0)
    tilt = 1.0 + parameters["slope"] * (MODEL_NM - 1450.0) / 1000.0
    return np.asarray(((1.0 - wetness) * dry + wetness * wet) * tilt, dtype=np.float64)


def water(parameters: Parameters) -> Float64:
    """Deep water. sediment: backscattering of particles at 550 nm (1/m); humus: absorption at 440 nm (1/m);
    glint: sky light mirrored by the surface (reflectance)."""
    p = parameters
    pure = np.asarray(_prosail().spectral_lib.prospectd.kw, dtype=np.float64) * 100.0  # 1/cm -> 1/m
    absorption = pure + p["humus"] * np.exp(-0.014 * (MODEL_NM - 440.0))
    scattering = 0.00144 * (500.0 / MODEL_NM) ** 4.32 + p["sediment"] * (550.0 / MODEL_NM) ** 0.8
    share = scattering / (absorption + scattering)
    below = (0.089 + 0.125 * share) * share
    return np.pi * 0.52 * below / (1.0 - 1.7 * below) + p["glint"]


def paving(parameters: Parameters) -> Float64:
    """Asphalt or tiles: from ``floor`` up by ``rise`` around ``edge`` nm, over ``width`` nm; iron oxide makes
    the edge of red tiles."""
    p = parameters
    return p["floor"] + p["rise"] / (1.0 + np.exp(-(MODEL_NM - p["edge"]) / p["width"]))


def _leaf(layers: float, chlorophyll: float, carotenoids: float, brown: float, water: float, dry: float) -> Parameters:
    return {
        "layers": layers,
        "chlorophyll": chlorophyll,
        "carotenoids": carotenoids,
        "brown": brown,
        "water": water,
        "dry": dry,
    }


MATERIALS: Mapping[str, tuple[Callable[[Parameters], Float64], Parameters]] = {
    "green leaves": (leaf, _leaf(1.6, 45.0, 9.0, 0.0, 0.013, 0.006)),
    "dry soil": (soil, {"wetness": 0.15, "slope": 0.1}),
    "turbid water": (water, {"sediment": 0.25, "humus": 0.6, "glint": 0.006}),
    "dry leaves": (leaf, _leaf(2.2, 3.0, 3.0, 0.7, 0.002, 0.012)),
    "asphalt": (paving, {"floor": 0.07, "rise": 0.04, "edge": 900.0, "width": 400.0}),
    "red tiles": (paving, {"floor": 0.06, "rise": 0.28, "edge": 600.0, "width": 35.0}),
    "wet soil": (soil, {"wetness": 0.9, "slope": 0.1}),
    "clear water": (water, {"sediment": 0.01, "humus": 0.05, "glint": 0.012}),
    "yellow leaves": (leaf, _leaf(1.5, 8.0, 10.0, 0.05, 0.008, 0.005)),
}
"""Name -> model and typical parameters. The first few differ most from each other."""


def variants(rng: np.random.Generator, material: str, n_variants: int, variability: float) -> Float64:
    """Spectra of one material with each parameter scattered log-normally, (n_variants, 2101).

    variability: the standard deviation of a parameter's logarithm; 0 gives equal spectra.
    """
    model, typical = MATERIALS[material]
    factors = np.exp(variability * rng.standard_normal((n_variants, len(typical))))
    return np.stack(
        [
            model(dict(zip(typical, np.array(list(typical.values())) * row, strict=True)))
            for row in factors.clip(0.5, 2.0)
        ]
    )
