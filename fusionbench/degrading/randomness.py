"""Named random fields that every machine draws alike, whatever the order of work.

Key layout, enough to draw the same fields elsewhere:

1. The fields `"fusionbench-degrade/1"`, dataset, image id, degradation, stream and the seed in decimal, each
   as UTF-8 preceded by its length in bytes (unsigned 64-bit little-endian), are joined and hashed by BLAKE2b
   with a 16-byte digest. The lengths keep ("ab", "c") and ("a", "bc") apart.
2. The digest, read as two little-endian 64-bit words, is the key of Philox4x64-10 (Salmon et al.,
   "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with its counter at 0; `numpy` raises the counter
   before each block of four words.
3. Uniform: word >> 11, times 2^-53. Normal: each word is four 16-bit numbers, lowest bits first; number i is
   looked up as the normal quantile at (i + 1/2) / 65536, rounded to float32.

Severity is not in the key: an image has the same noise field at every severity.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage

SPECIFICATION = "fusionbench-degrade/1"
"""Names this key layout and these formulas; a change to either needs a new number."""

_NORMALS_PER_WORD = 4


@dataclass(frozen=True)
class NamedStreams:
    """The random fields of one image and degradation."""

    dataset: str
    image_id: str
    degradation: str
    seed: int

    def normal(self, stream: str, shape: tuple[int, ...]) -> FloatImage:
        """Standard normal values, float32, within +-4.325; mean 0, variance 0.99998, kurtosis 2.9992."""
        count = math.prod(shape)
        words = self._words(stream, -(-count // _NORMALS_PER_WORD))
        numbers = words.astype("<u8", copy=False).view("<u2")[:count]
        return _normal_table().take(numbers).reshape(shape)

    def uniform(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform values in [0, 1), multiples of 2^-53."""
        words = self._words(stream, math.prod(shape))
        values: NDArray[np.float64] = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return values.reshape(shape)

    def _words(self, stream: str, count: int) -> NDArray[np.uint64]:
        key = np.frombuffer(self._digest(stream), dtype="<u8").astype(np.uint64)
        return np.random.Philox(key=key, counter=0).random_raw(count)

    def _digest(self, stream: str) -> bytes:
        fields = (SPECIFICATION, self.dataset, self.image_id, self.degradation, stream, str(int(self.seed)))
        encoded = [field.encode() for field in fields]
        layout = b"".join(len(field).to_bytes(8, "little") + field for field in encoded)
        return hashlib.blake2b(layout, digest_size=16).digest()


@cache
def _normal_table() -> NDArray[np.float32]:
    """Normal quantiles at (i + 1/2) / 65536; the upper half mirrors the lower, so the mean is exactly 0."""
    quantile = NormalDist().inv_cdf
    lower = np.array([quantile((index + 0.5) / 65536.0) for index in range(32768)], dtype=np.float32)
    return np.concatenate([lower, -lower[::-1]])
