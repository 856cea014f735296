"""A compact U-Net: a segmenter that needs no library and no start, and learns on a processor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import (
    Device,
    SegmentedImage,
    SegmenterCard,
    SegmenterTraining,
    Uint8Image,
)
from fusionbench.errors import InputError
from fusionbench.ready_methods import choose_device
from fusionbench.weight_files import load_exactly, read_tensors
from fusionbench_segmenters import compact_unet
from fusionbench_segmenters.learning import LearningOptions, gather, learn, read_options
from fusionbench_segmenters.network_files import classes_in, fitting, write_network
from fusionbench_segmenters.network_images import segmented
