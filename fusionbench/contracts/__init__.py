"""The narrow contracts between the harness and its plugins.

Data flows one way: a `Dataset` yields an `ImagePair`, `Degradation`s damage it, a `FusionMethod` fuses it,
`Metric`s score the result. The harness knows plugins only through this package. A plugin imports it, its own
folder and, where it needs them, the public names of `fusionbench.images`, `fusionbench.errors`,
`fusionbench.compilation`, `fusionbench.weight_files`, `fusionbench.whole_files` and (for a degradation)
`fusionbench.degrading`. Nothing here reads a file or imports a heavy package.
"""

from fusionbench.contracts.dataset import Dataset, DatasetCard, DatasetRequest, Placement, PlacingDataset
from fusionbench.contracts.degradation import (
    CALIBRATED,
    PHYSICAL,
    STAGES,
    Degradation,
    DegradationCard,
    DegradationProfile,
    DegradationProfileCard,
    Levels,
    LinearScene,
    QuantifiedDegradation,
    RandomStreams,
    Stage,
)
from fusionbench.contracts.method import Device, FusionMethod, MethodCard
from fusionbench.contracts.metric import (
    CANONICAL,
    BatchMetric,
    Compares,
    MeasuredBatch,
    MeasuredImage,
    Metric,
    MetricCard,
    Profile,
    ProfileCard,
    SourceBatch,
    SourceImages,
)
from fusionbench.contracts.pairs import (
    DRIVING_HORIZON,
    NATIVE_CONDITIONS,
    Box,
    FloatImage,
    ImagePair,
    Labels,
    Sample,
    Uint8Image,
)

__all__ = [
    "CALIBRATED",
    "CANONICAL",
    "DRIVING_HORIZON",
    "NATIVE_CONDITIONS",
    "PHYSICAL",
    "STAGES",
    "BatchMetric",
    "Box",
    "Compares",
    "Dataset",
    "DatasetCard",
    "DatasetRequest",
    "Degradation",
    "DegradationCard",
    "DegradationProfile",
    "DegradationProfileCard",
    "Device",
    "FloatImage",
    "FusionMethod",
    "ImagePair",
    "Labels",
    "Levels",
    "LinearScene",
    "MeasuredBatch",
    "MeasuredImage",
    "MethodCard",
    "Metric",
    "MetricCard",
    "Placement",
    "PlacingDataset",
    "Profile",
    "ProfileCard",
    "QuantifiedDegradation",
    "RandomStreams",
    "Sample",
    "SourceBatch",
    "SourceImages",
    "Stage",
    "Uint8Image",
]
