"""DNMF: multiplicative updates unrolled, to be trained on the reconstruction alone (Nasser, Eldar, Sharan 2022)."""

from collections.abc import Iterator

from torch import Tensor, nn

from unmixing.networks.multiplicative import MultiplicativeNetwork, multiplied
from unmixing.networks.unrolled import State
from unmixing.types import Float64


class DNMF(MultiplicativeNetwork):
    """Deep NMF: multiplicative updates of learned weights, trained without a truth (Nasser, Eldar, Sharan 2022).

        S <- S * (Y W1^T) / (S W2),    min over all that is learned of ||Y - S E||^2

    Y (n_pixels, n_bands): pixels. S (n_pixels, n_endmembers): contributions. Of every layer: W1 (n_endmembers, n_bands)
    and W2 (n_endmembers, n_endmembers); of all together: E (n_endmembers, n_bands), the endmembers. Everything learned
    is positive, being an exponential. It starts at E = ``reference``, W1 = E and W2 = E E^T, with which a layer is the
    first half of ``nmf.nmf_step``. It cannot tell the many factorizations of equal residual apart.
    reference: (n_endmembers, n_bands) unit-norm endmembers. norms: (n_endmembers,) what abundances are counted in.
    """

    def __init__(self, reference: Float64, norms: Float64, n_layers: int) -> None:
        super().__init__(reference, norms)
        self.log_endmembers = nn.Parameter(self.reference.log())
        self.log_weights = nn.Parameter(self.reference.log().repeat(n_layers, 1, 1))
        self.log_mixing = nn.Parameter((self.reference @ self.reference.T).log().repeat(n_layers, 1, 1))

    @property
    def n_layers(self) -> int:
        return len(self.log_weights)

    def contribution_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        weights, mixing = self.log_weights[layer].exp(), self.log_mixing[layer].exp()
        return multiplied(contributions, pixels @ weights.T, contributions @ mixing)

    def states(self, sample: Tensor) -> Iterator[State]:
        endmembers = self.log_endmembers.exp().expand(*sample.shape[:-2], *self.reference.shape)
        contributions = self.start(sample)
        for layer in range(self.n_layers):
            contributions = self.contribution_step(layer, sample, contributions, endmembers)
            yield self.counted(contributions, endmembers, endmembers)


def reconstruction_error(network: DNMF, pixels: Tensor) -> Tensor:
    """||Y - S E||^2 / ||Y||^2 on pixels (..., n_pixels, n_bands)."""
    contributions, endmembers, _ = network(pixels)
    error: Tensor = ((contributions @ endmembers - pixels) ** 2).sum() / (pixels**2).sum()
    return error
