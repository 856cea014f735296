"""YOLO by ultralytics: the networks most papers on fusion report detection with.

The only module that imports ultralytics, which is AGPL-3.0. It is used offline, quietly, without its
telemetry and without installing anything, with settings of its own in a folder that goes when the process
ends; what it changes of the process (threads, environment, generators of random numbers, functions of other
packages) is put back. Where a program has imported ultralytics itself before, its settings hold here as well.

A `.pt` is a pickle, which could run code when it is read. It is read with ultralytics' list of harmless types
(`ULTRALYTICS_SAFE_LOAD`), which official files, and those trained here, keep to.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fusionbench.contracts import (
    Detections,
    DetectorCard,
    DetectorTraining,
    Device,
    LabelledImage,
    Uint8Image,
)
from fusionbench.devices import choose_device
from fusionbench.errors import InputError, TrainingError
from fusionbench_detectors.process_state import errors_only, kept_process_state, replaced
from fusionbench_detectors.yolo_files import write_network, write_training_files

USUAL_SIZE = 640
"""Longest side of the images that ultralytics' own weights were trained on."""

LEAST_SCORE = 0.001
LARGEST_OVERLAP = 0.7
"""Of two boxes of one class with more than this intersection over union, the lower score goes."""
MOST_DETECTIONS = 300

_CHECKPOINT = "a checkpoint of ultralytics for detection as a file (yolov8n.pt, yolo11n.pt, ...)"

_SILENCE = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    "ULTRALYTICS_SAFE_LOAD": "1",
    "MPLBACKEND": "Agg",
}

_NO_REPORTS = dict.fromkeys(
    ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb"), False
)
"""Settings of ultralytics that send something somewhere, or write logs for programs that do."""

_FONTS = ("Arial.ttf", "Arial.Unicode.ttf")
"""What ultralytics would download before it trains, although no plot is drawn."""

_OPTIMISERS = ("adam", "adamax", "adamw", "nadam", "radam", "rmsprop", "sgd", "musgd", "auto")
"""What ultralytics knows, however it is written; it would find out only when it trains."""

_RECIPE: dict[str, Any] = {"optimizer": "SGD", "lr0": 0.01, "cos_lr": True}
"""Unless the options say otherwise; the rest is ultralytics' default."""

_FIXED: dict[str, Any] = {
    # Repeatable, without reaching out: half precision would download a network to check itself with.
    "deterministic": True,
    "workers": 0,
    "amp": False,
    "plots": False,
    "exist_ok": True,
    "resume": False,
    "verbose": False,
    # The last epoch counts: no image says when to stop.
    "val": False,
    "patience": 0,
    "time": None,
    # Fused images have no colours to shift that all methods share.
    "hsv_h": 0.0,
    "hsv_s": 0.0,
    "single_cls": False,
}

_FREE = frozenset(
    {
        *("optimizer", "lr0", "lrf", "cos_lr", "momentum", "weight_decay", "nbs", "dropout", "freeze"),
        *("warmup_epochs", "warmup_momentum", "warmup_bias_lr", "box", "cls", "dfl", "fraction", "rect"),
        *("degrees", "translate", "scale", "shear", "perspective", "flipud", "fliplr", "bgr", "multi_scale"),
        *("mosaic", "close_mosaic", "mixup", "cutmix", "copy_paste"),
    }
)
"""Settings of ultralytics' trainer that a training may choose: rates, losses and augmentation, for all
methods alike. Others are `DetectorTraining`'s own, would reach out, or have nothing to do with training."""


class Yolo:
    """A network of ultralytics with trained weights.

    Args:
        weights: A checkpoint (`.pt`) of ultralytics for detection.
        device: Where to run.

    Raises:
        InputError: If the extra is not installed, or the file is missing, is no such checkpoint, or holds
            objects that would have to be run to be read.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        name="yolo",
        title="YOLO (ultralytics)",
        licence="AGPL-3.0 (ultralytics and its weights)",
        code="https://github.com/ultralytics/ultralytics",
        settings=(
            "longest side the weights were trained at (640 for ultralytics' own), padded to a square; "
            "score from .001, overlap .7 within a class, 300 boxes an image, one class a box, "
            "single precision"
        ),
        needs=f"the extra detect, and {_CHECKPOINT}",
        notice=(
            "ultralytics and its weights are AGPL-3.0: what you distribute or host together with them falls "
            "under its terms"
        ),
        summary="one-stage detector of every size, the usual choice of papers on fusion",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        _require_checkpoint(weights)
        self._device = choose_device(device)
        with _ultralytics() as library:
            self._network = _loaded(library, weights)
        self._size = int(self._network.overrides.get("imgsz") or USUAL_SIZE)
        names = self._network.names
        self._classes = tuple(str(names[number]) for number in sorted(names))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes the weights know."""
        return self._classes

    def detect(self, images: Sequence[Uint8Image]) -> list[Detections]:
        """Find objects, in each image by itself.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image its boxes in its own pixels, inside it, the highest score first.
        """
        with _ultralytics():
            return [self._found(image) for image in images]

    def _found(self, image: Uint8Image) -> Detections:
        (found,) = self._network.predict(
            np.ascontiguousarray(image[..., ::-1]),  # ultralytics takes arrays for BGR
            imgsz=self._size,
            rect=False,
            conf=LEAST_SCORE,
            iou=LARGEST_OVERLAP,
            max_det=MOST_DETECTIONS,
            device=self._device,
            save=False,
            verbose=False,
        )
        boxes = found.boxes.cpu().numpy()
        order = np.argsort(-boxes.conf, kind="stable")
        return Detections(
            boxes=boxes.xyxy[order].astype(np.float64),
            scores=boxes.conf[order].astype(np.float64),
            classes=boxes.cls[order].astype(np.int64),
        )

    @classmethod
    def check_training(cls, training: DetectorTraining) -> None:
        """Check options, start and device of a training, before there are images.

        Args:
            training: As `train` will get it, but for the seed.

        Raises:
            InputError: If the extra is not installed, the start cannot be read, or an option is none that
                can be set, or of another type.
        """
        choose_device(training.device)
        with _ultralytics() as library:
            _checked_options(training)
            if training.start is not None:
                _loaded(library, _required_start(training.start))

    @classmethod
    def train(cls, images: Iterable[LabelledImage], training: DetectorTraining, out: Path) -> Path:
        """Train, from a checkpoint, a network's description (`.yaml`) or the smallest network there is here.

        A training of one seed gives the same file again on one processor and with one version of the
        libraries; accelerators may move digits. Boxes of other classes than those asked for are background. A
        name such as `yolov8n.yaml` says the size of the network, as ultralytics understands it.

        Args:
            images: To learn from; read once, one by one, and written under `out`.
            training: How; its options are ultralytics' rates, weights of losses and augmentation.
            out: Folder for what it writes, all of it in `yolo`, beside the weights.

        Returns:
            `weights.pt`: the network after the last epoch, without dates or paths.

        Raises:
            InputError: If no image has a box of the classes, the start cannot be read, or an option is none
                that can be set, or of another type.
            TrainingError: If ultralytics cannot go on.
        """
        cls.check_training(training)
        room = out / "yolo"
        shutil.rmtree(room, ignore_errors=True)
        data = write_training_files(images, training.classes, room)
        with _ultralytics() as library:
            options = _checked_options(training)
            network = _loaded(library, training.start or write_network(room))
            _provide_fonts()
            try:
                network.train(
                    data=str(data),
                    epochs=training.epochs,
                    imgsz=training.image_size,
                    batch=training.batch,
                    seed=training.seed,
                    device=choose_device(training.device),
                    project=str(room.absolute()),
                    name="run",
                    **options,
                )
            except (RuntimeError, ValueError) as error:
                raise TrainingError(f"{out}: ultralytics could not train ({_first_line(error)})") from error
            return _write_weights(room / "run" / "weights" / "last.pt", training, out / "weights.pt")


@contextmanager
def _ultralytics() -> Iterator[Any]:
    """The package, while nothing it does is loud, online or lasting.

    Raises:
        InputError: If it is not installed.
    """
    import torch

    threads = torch.get_num_threads()
    with kept_process_state():
        warnings.simplefilter("ignore")
        # ultralytics sets this one for everybody if nobody has.
        os.environ.update(_SILENCE, YOLO_CONFIG_DIR=str(_configuration()), OMP_NUM_THREADS=str(threads))
        package = _imported()
        from ultralytics.nn import tasks
        from ultralytics.utils import LOGGER, torch_utils

        # On a processor it would take as many threads as it likes.
        with (
            replaced(torch_utils, NUM_THREADS=threads),
            replaced(tasks, SAFE_LOAD=True),
            errors_only(LOGGER),
        ):
            yield package


@cache
def _configuration() -> Path:
    """A folder for settings and fonts, of this process alone."""
    folder = Path(tempfile.mkdtemp(prefix="fusionbench-ultralytics-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _imported() -> Any:
    theirs = "ultralytics" in sys.modules
    try:
        import ultralytics
    except ImportError:
        raise InputError(
            'detector yolo needs the extra "detect" (AGPL-3.0): pip install "ivif-fusionbench[detect]"'
        ) from None
    import torchvision  # noqa: F401  # ultralytics suppresses overlaps with it if somebody has imported it

    if not theirs:
        ultralytics.settings.update(_NO_REPORTS)
    return ultralytics


def _provide_fonts() -> None:
    """Put a font where ultralytics looks for those it would download."""
    import matplotlib
    from ultralytics.utils import USER_CONFIG_DIR

    for name in _FONTS:
        if not (USER_CONFIG_DIR / name).exists():
            shutil.copyfile(
                Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", USER_CONFIG_DIR / name
            )


def _require_checkpoint(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file; detector yolo needs {_CHECKPOINT}")
    if path.suffix != ".pt":
        raise InputError(f"{path}: is no .pt; detector yolo needs {_CHECKPOINT}")


def _required_start(path: Path) -> Path:
    if path.suffix not in (".yaml", ".yml"):
        _require_checkpoint(path)
    elif not path.is_file():
        raise InputError(f"{path}: no such file; give the description of a network, or {_CHECKPOINT}")
    return path


def _loaded(library: Any, path: Path) -> Any:
    """The network of a checkpoint or a description.

    Raises:
        InputError: If it is none, or one for another task.
    """
    try:
        network = library.YOLO(str(path.absolute()))
    except Exception as error:  # whatever ultralytics makes of a file of another kind
        raise InputError(
            f"{path}: is no checkpoint of ultralytics and no description of a network, is damaged, or holds "
            "objects that would have to be run to be read; download it again, or train it here"
        ) from error
    if network.task != "detect":
        raise InputError(f"{path}: is a network to {network.task}; detector yolo needs one for detection")
    return network


def _checked_options(training: DetectorTraining) -> dict[str, Any]:
    """Settings of ultralytics' trainer besides those that `DetectorTraining` has.

    Raises:
        InputError: If an option is none that can be set, or of another type.
    """
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    options = dict(training.options)
    for name in options:
        if name not in _FREE or name not in DEFAULT_CFG_DICT:
            free = ", ".join(sorted(_FREE & DEFAULT_CFG_DICT.keys()))
            raise InputError(f"option {name!r} is none that a training here can set; these are: {free}")
    if str(options.get("optimizer", "SGD")).lower() not in _OPTIMISERS:
        known = ", ".join(_OPTIMISERS)
        raise InputError(f"option 'optimizer' is {options['optimizer']!r}; expected one of {known}")
    if type(options.get("freeze", 0)) is not int:
        raise InputError(f"option 'freeze' is {options['freeze']!r}; expected a whole number of layers")
    settings = {**_RECIPE, "close_mosaic": min(10, training.epochs // 2), **options, **_FIXED}
    try:
        get_cfg(overrides=settings)
    except (TypeError, ValueError) as error:
        raise InputError(f"an option of training does not fit ({_first_line(error)})") from error
    return settings


def _write_weights(last: Path, training: DetectorTraining, target: Path) -> Path:
    """Keep the network and nothing that differs between two equal trainings, such as dates and paths."""
    import torch
    from ultralytics.nn.tasks import torch_safe_load
    from ultralytics.utils import __version__

    model = torch_safe_load(str(last), safe_only=True)[0]["model"]
    model.args = {"task": "detect", "imgsz": training.image_size}
    model.yaml.pop("yaml_file", None)
    content = {"model": model, "train_args": model.args, "version": __version__, "license": Yolo.card.licence}
    torch.save(content, target)
    return target


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
