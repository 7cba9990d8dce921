"""Mixture matrices: LPALM against PALM, ISTA, LISTA, LISTA-CP and DNMF on Cassiopeia A, as in the LPALM paper.

    python -m benchmarks.astro [--data FOLDER] [--split SEED] [--only PART] [--threads 2] [--out FILE.json]

FOLDER holds ``casa.npz``: ``mixing_matrices`` (n, n_channels, n_sources) and ``sources`` (n_sources, rows, columns).
The matrices least like the first one are the test set. Synthetic: sources generalised Gaussian of shape 0.3, 500
samples, 30 dB. Realistic: the four real sources, each of norm 1, all pixels, 30 dB; networks and thresholds are the
same, trained and tuned on synthetic mixtures of the training matrices. Without a library: smooth random columns, sparse
signed sources, against PALM and FastICA; nothing but the number of sources is given.

Errors are given twice. Matched: the sources are put in the order of the truth first, whatever they were called, as is
right for methods that know no names. As named: source k is compared with source k, as is right for a user who trains on
a library in which source k is iron. A source that is found under another's name is wrong in the second alone.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from sklearn.decomposition import FastICA
from threadpoolctl import threadpool_limits

from benchmarks.astro_data import CassiopeiaA, read_cassiopeia, smooth_mixtures, synthetic
from benchmarks.astro_methods import THRESHOLDS, Answer, Ready, classical, classical_answer, in_order_of, networks
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import signed_palm
from unmixing.mixtures.separation import separate
from unmixing.mixtures.specs import SeparationNetworkSpec, SeparationSpec
from unmixing.types import Compute, Float64

DEFAULT_DATA = Path("..") / "shared" / "data"
QUICK = SeparationNetworkSpec(n_layers=4, max_epochs=1, steps_per_epoch=2, batch_sets=8)
PAPER_THRESHOLD = 2e-2
BLIND = "without a library"


@dataclass(frozen=True)
class Run:
    """One mixture separated by one method."""

    protocol: str
    method: str
    mixture: int
    nmse_sources: float
    nmse_mixing_matrix: float
    nmse_sources_as_named: float
    nmse_mixing_matrix_as_named: float
    iterations: int
    training_seconds: float
    seconds: float
    n_parameters: int


def evaluate(protocol: str, method: Ready, mixture: int, mixtures: Float64, sources: Float64, matrix: Float64) -> Run:
    """Separate one mixture, and compare with its truth."""
    started = time.perf_counter()
    answer = method.separate(mixtures)
    seconds = time.perf_counter() - started
    matching = in_order_of(matrix, answer)
    return Run(
        protocol,
        method.name,
        mixture,
        nmse(matching.sources, sources),
        nmse(matching.mixing_matrix, matrix),
        nmse(answer.sources, sources),
        nmse(answer.mixing_matrix, matrix),
        answer.iterations,
        method.training_seconds,
        seconds,
        method.n_parameters,
    )


def with_library(data: CassiopeiaA, methods: Sequence[Ready], n_realistic: int) -> list[Run]:
    """Both protocols of the paper, every method on every test mixture."""
    sets = synthetic(data.test, seed=3)
    triples = zip(sets.mixtures, sets.sources, sets.mixing_matrices, strict=True)
    runs = [evaluate("synthetic", method, i, *triple) for i, triple in enumerate(triples) for method in methods]
    rng = np.random.default_rng(4)
    for i, matrix in enumerate(data.test[:: max(1, len(data.test) // n_realistic)][:n_realistic]):
        mixtures = data.realistic(matrix, rng)
        runs += [evaluate("realistic", method, i, mixtures, data.sources, matrix) for method in methods]
    return runs


def blind(n_seeds: int, spec: SeparationNetworkSpec, compute: Compute) -> list[Run]:
    """Mixtures without a library: nothing gives sources names, so only matched errors mean something."""
    runs = []
    for seed in range(n_seeds):
        sets = smooth_mixtures(seed)
        mixtures, sources, matrix = sets.mixtures[0], sets.sources[0], sets.mixing_matrices[0]
        for method in blind_methods(len(matrix), seed, spec, compute):
            runs.append(evaluate(BLIND, method, seed, mixtures, sources, matrix))
    return runs


def blind_methods(n_sources: int, seed: int, spec: SeparationNetworkSpec, compute: Compute) -> list[Ready]:
    """LPALM on a library of its own, FastICA, and PALM from what FastICA found: from random starts it fails."""

    def lpalm(mixtures: Float64) -> Answer:
        request = SeparationSpec(n_sources=n_sources, seed=seed)
        result = separate(mixtures, request, compute=compute, network=spec)
        return Answer(result.sources.astype(np.float64), result.mixing_matrix.astype(np.float64), spec.n_layers)

    def fast_ica(mixtures: Float64) -> Answer:
        ica = FastICA(n_sources, whiten="unit-variance", random_state=seed, max_iter=1_000)
        found = ica.fit_transform(mixtures)
        norms = np.linalg.norm(ica.mixing_, axis=0)
        return Answer(found * norms, (ica.mixing_ / norms).T, int(ica.n_iter_))

    def palm(mixtures: Float64) -> Answer:
        return classical_answer(mixtures, fast_ica(mixtures).mixing_matrix, PAPER_THRESHOLD, signed_palm)

    named = {"LPALM": lpalm, "FastICA": fast_ica, "PALM from FastICA": palm}
    return [Ready(name, 0.0, 0, solve) for name, solve in named.items()]


def markdown(runs: Sequence[Run]) -> str:
    """One row per protocol and method: medians, and means in brackets."""
    lines = [
        "| protocol | method | mixtures | NMSE of S, median (mean) | NMSE of A, median (mean) | S as named "
        "| A as named | layers or iterations | parameters | seconds to train or tune | seconds to separate |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for protocol, method in dict.fromkeys((run.protocol, run.method) for run in runs):
        group = [run for run in runs if (run.protocol, run.method) == (protocol, method)]
        lines.append(
            f"| {protocol} | {method} | {len(group)} "
            f"| {_cell([run.nmse_sources for run in group])} | {_cell([run.nmse_mixing_matrix for run in group])} "
            f"| {_as_named(group)} "
            f"| {median(run.iterations for run in group):.0f} | {group[0].n_parameters or '-'} "
            f"| {group[0].training_seconds:.1f} | {median(run.seconds for run in group):.4f} |"
        )
    return "\n".join(lines)


def _as_named(group: Sequence[Run]) -> str:
    if group[0].protocol == BLIND:
        return "- | -"
    sources = _cell([run.nmse_sources_as_named for run in group])
    return f"{sources} | {_cell([run.nmse_mixing_matrix_as_named for run in group])}"


def _cell(values: Sequence[float]) -> str:
    return f"{median(values):.5f} ({mean(values):.5f})"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.astro", description=__doc__.splitlines()[0])
    default = Path(os.environ.get("UNMIX_DATA", DEFAULT_DATA))
    parser.add_argument("--data", type=Path, default=default, help=f"folder of casa.npz (default: {default})")
    parser.add_argument("--split", type=int, help="draw the test matrices with this seed (default: the least alike)")
    parser.add_argument("--only", choices=["library", "blind"], help="one part: with a library, or without one")
    parser.add_argument("--threads", type=int, default=2, help="threads to compute with (default: 2)")
    parser.add_argument("--realistic", type=int, default=12, help="realistic test mixtures (default: 12)")
    parser.add_argument("--blind", type=int, default=5, help="mixtures without a library (default: 5)")
    parser.add_argument("--quick", action="store_true", help="tiny networks, one threshold: whether it runs, no more")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    chosen = parser.parse_args(arguments)
    path = chosen.data / "casa.npz"
    if chosen.only != "blind" and not path.is_file():
        parser.error(f"--data {chosen.data}: there is no casa.npz in there")
    spec = QUICK if chosen.quick else SeparationNetworkSpec()
    thresholds = (PAPER_THRESHOLD,) if chosen.quick else THRESHOLDS
    torch.set_num_threads(chosen.threads)
    with threadpool_limits(chosen.threads):
        runs = []
        if chosen.only != "blind":
            data = read_cassiopeia(path, chosen.split)
            methods = [*networks(data.training, spec), *classical(data.training, thresholds)]
            runs += with_library(data, methods, chosen.realistic)
        if chosen.only != "library":
            runs += blind(chosen.blind, spec, Compute(threads=chosen.threads))
    print(markdown(runs))
    if chosen.out is not None:
        chosen.out.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
