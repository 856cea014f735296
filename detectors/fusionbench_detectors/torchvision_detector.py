"""Faster R-CNN by torchvision: a detector whose code and weights everybody may use (BSD-3-Clause).

Reference:
    S. Ren, K. He, R. Girshick, J. Sun: "Faster R-CNN: Towards real-time object detection with region proposal
    networks", NeurIPS 2015, on the MobileNetV3 of A. Howard et al.: "Searching for MobileNetV3", ICCV 2019,
    with the feature pyramid of T.-Y. Lin et al., CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fusionbench.contracts import Detections, DetectorCard, Device, Uint8Image
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.weight_files import HEADER_CLASSES, classes_in, read_tensors

if TYPE_CHECKING:
    import torch

LEAST_SCORE = 0.001
LARGEST_OVERLAP = 0.7
MOST_DETECTIONS = 300

BACKGROUND = "__background__"
COCO_CLASSES = 91
"""With the background, and with ids that COCO left free."""

_SCORES = "roi_heads.box_predictor.cls_score.weight"
_UNUSED = "num_batches_tracked"
"""Counted by ordinary normalisation while training; published weights, trained with a frozen one, lack it."""

PUBLISHED = "https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth"
"""Weights trained on COCO; the file's SHA-256 begins with the eight digits in its name."""


class TorchvisionDetector:
    """Faster R-CNN on MobileNetV3-Large with a feature pyramid, and weights for it.

    Of torchvision's two, the one that sees images at 800 pixels and not at 320: the people and lamps of
    fusion's data sets are a few pixels high.

    Args:
        weights: A state dictionary of `fasterrcnn_mobilenet_v3_large_fpn` (`.pth`, `.safetensors`); one of 91
            classes is taken for COCO, others must name theirs in their header.
        device: Where to run.

    Raises:
        InputError: If the extra is not installed, or the file is missing, damaged, or holds other weights.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        name="torchvision",
        title="Faster R-CNN, MobileNetV3 (torchvision)",
        licence="BSD-3-Clause (torchvision and its weights)",
        code="https://github.com/pytorch/vision",
        paper="Ren, He, Girshick & Sun, NeurIPS 2015",
        settings=(
            "shorter side 800, longer side at most 1333; score from .001, overlap .7 within a class, "
            "300 boxes an image, single precision"
        ),
        needs=f"the extra detect-torchvision, and its weights as a file ({PUBLISHED}, SHA-256 fb6a3cc7...)",
        summary="two-stage detector under a licence without conditions for what is used with it",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        tensors, header = read_tensors(weights)
        if _SCORES not in tensors:
            raise InputError(f"{weights}: is no state dictionary of {_network_name()}; take {PUBLISHED}")
        count = int(tensors[_SCORES].shape[0])
        self._network = _filled(_built(count), tensors, weights)
        self._classes = _class_names(count, header, weights)
        self._device = choose_device(device)
        self._network.requires_grad_(False).eval().to(self._device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes the weights know, the background and COCO's free ids (`N/A`) included."""
        return self._classes

    def detect(self, images: Sequence[Uint8Image]) -> list[Detections]:
        """Find objects, in each image by itself: images of one batch would be padded to one size.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image its boxes in its own pixels, inside it, the highest score first.
        """
        return [self._found(image) for image in images]

    def _found(self, image: Uint8Image) -> Detections:
        import torch

        planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(self._device)
        with torch.inference_mode():
            (found,) = self._network([planes.float() / 255.0])
        scores = found["scores"].cpu().numpy().astype(np.float64)
        boxes = found["boxes"].cpu().numpy().astype(np.float64)
        height, width = image.shape[:2]
        order = np.argsort(-scores, kind="stable")
        return Detections(
            # Scaling back from the size the network saw can go over the edge by a rounding.
            boxes=np.clip(boxes, 0.0, (width, height, width, height))[order],
            scores=scores[order],
            classes=found["labels"].cpu().numpy().astype(np.int64)[order],
        )


def _network_name() -> str:
    return "fasterrcnn_mobilenet_v3_large_fpn"


def _built(classes: int) -> Any:
    """The network without weights; nothing is downloaded."""
    try:
        from torchvision.models import detection
    except ImportError:
        raise InputError(
            'detector torchvision needs the extra "detect-torchvision": '
            'pip install "ivif-fusionbench[detect-torchvision]"'
        ) from None
    return detection.fasterrcnn_mobilenet_v3_large_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=classes,
        box_score_thresh=LEAST_SCORE,
        box_nms_thresh=LARGEST_OVERLAP,
        box_detections_per_img=MOST_DETECTIONS,
    )


def _filled(network: Any, tensors: Mapping[str, torch.Tensor], path: Path) -> Any:
    """Load weights into the network, which knows the names that earlier versions of torchvision gave them."""
    counts = {name: value for name, value in network.state_dict().items() if name.endswith(_UNUSED)}
    try:
        network.load_state_dict({**counts, **tensors})
    except RuntimeError as error:
        raise InputError(
            f"{path}: holds other weights than {_network_name()} has; take {PUBLISHED}"
        ) from error
    return network


def _class_names(count: int, header: Mapping[str, str], path: Path) -> tuple[str, ...]:
    """Names with the background, which a header leaves out."""
    if HEADER_CLASSES not in header and count == COCO_CLASSES:
        from torchvision.models.detection import FasterRCNN_MobileNet_V3_Large_FPN_Weights as Weights

        return tuple(Weights.COCO_V1.meta["categories"])
    return (BACKGROUND, *classes_in(header, count - 1, path))
