"""Checkpoints: one safetensors file with the network, the encoder, and in its header what they are.

The weights of CLIP's tower are not repeated: a checkpoint of the `clip` encoder holds its adapters and head.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from fusionbench.errors import InputError
from fusionbench.weight_files import load_exactly, read_header, read_tensors
from fusionbench.whole_files import appearing
from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration
from fusionbench_methods.sgafusion.fixed.configuration import FIXED, FixedConfiguration
from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
from fusionbench_methods.sgafusion.network import SGAFusionNet
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration, SemanticEncoder
from fusionbench_methods.sgafusion.semantics.low_rank_adaptation import (
    Adaptation,
    adaptation_of,
    adapted,
    adapter_weights,
    load_adapter_weights,
    merged,
)
from fusionbench_methods.sgafusion.semantics.towers import CLIP_FILE, load_pretrained, tower_fingerprint

Network = SGAFusionNet | FixedSGAFusionNet

HEADER = "sgafusion"
"""Key of the header's JSON."""

FORMAT = 1

_PARTS = ("network", "encoder", "adaptation")

_NETWORK, _ENCODER, _ADAPTER = "network.", "encoder.", "adapter."
_TOWER = "tower."


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds."""

    network: Network | None
    encoder: SemanticEncoder | None
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What whoever wrote it says of its making: recipe, data, seed."""


@dataclass(frozen=True)
class Description:
    """What a file says of itself, without its tensors."""

    variant: str
    encoder: str
    """`clip`, `compact`, or empty where there is none."""
    trained_on: frozenset[str] = frozenset()
    """Pairs it was trained on, as `dataset/id`, where it says so."""


def save_checkpoint(
    path: Path | str,
    network: Network | None = None,
    encoder: SemanticEncoder | None = None,
    *,
    notes: Mapping[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Write a network, an encoder, or both; the file appears complete or not at all.

    Args:
        path: A name that ends in `.safetensors`.
        network: The network.
        encoder: The encoder. Of one with OpenAI's tower, adapters (if it has them) and head are kept.
        notes: Values for JSON about how it was made.
        half: Write 16-bit floats: half the size, weights rounded to three digits.

    Raises:
        InputError: If it cannot be written, or has another suffix.
        ValueError: If there is neither, the two do not fit together, notes are no values for JSON, or the
            adapters of OpenAI's tower are merged into it.
    """
    if network is None and encoder is None:
        raise ValueError("a checkpoint needs a network, an encoder, or both")
    _require_fit(network, encoder)
    header: dict[str, Any] = {"format": FORMAT, "notes": dict(notes or {})}
    tensors: dict[str, torch.Tensor] = {}
    if network is not None:
        header["network"] = network.configuration.as_json()
        tensors |= _named(_NETWORK, network.state_dict())
    if encoder is not None:
        header["encoder"] = encoder.configuration.as_json()
        tensors |= _encoder_tensors(encoder, header)
    if half:
        tensors = {name: tensor.half() for name, tensor in tensors.items()}
    _write(Path(path), tensors, header)


def load_checkpoint(path: Path | str, *, clip_weights: Path | None = None, merge: bool = True) -> Checkpoint:
    """Read a checkpoint: our own, or a network's weights by the released names.

    Args:
        path: `.safetensors` as `save_checkpoint` writes; or the state dictionary of the released code, as
            `.pth` or `.safetensors`, which holds the variant `released` and no encoder.
        clip_weights: OpenAI's weights for an encoder that stands on them; None looks in the usual places.
        merge: Add adapters to the tower's weights, for use; without, they can be trained further.

    Raises:
        InputError: If the file or CLIP's weights are missing, damaged, or something else.
    """
    path = Path(path)
    tensors, header = read_tensors(path)
    if HEADER not in header:
        # Only the authors' own files have no header.
        return Checkpoint(_released_network(tensors, path), None)
    described = _parsed(header, path)
    network, encoder = None, None
    try:
        if "network" in described:
            network = _network(described["network"])
            load_exactly(network, _part(tensors, _NETWORK), path)
            network.eval()
        if "encoder" in described:
            encoder = SemanticEncoder(SemanticConfiguration.from_json(described["encoder"]))
            _load_encoder(encoder, tensors, described, path, clip_weights, merge)
            encoder.eval()
    except InputError:
        raise
    except Exception as error:  # whatever open_clip, peft and torch make of numbers that make no sense
        raise InputError(f"{path}: its header makes no sense ({error}); get the file again") from error
    _require_fit_of(path, network, encoder)
    return Checkpoint(network, encoder, described["notes"])


def describe(path: Path | str) -> Description:
    """What a checkpoint is, from its header alone.

    Raises:
        InputError: If the file is missing or damaged.
    """
    header = read_header(Path(path))
    if HEADER not in header:
        return Description("released", "")
    described = _parsed(header, Path(path))
    tower = described.get("encoder", {}).get("tower", {})
    name = tower.get("name", "") if isinstance(tower, dict) else ""
    known = described["notes"].get("trained_on", ())
    trained_on = frozenset(str(each) for each in known) if isinstance(known, list) else frozenset()
    variant = str(described.get("network", {}).get("variant", "no network"))
    return Description(variant, str(name), trained_on)


def combine_checkpoints(network: Path | str, encoder: Path | str, combined: Path | str) -> None:
    """Put the network of one file and the encoder of another into one, for example a released network.

    Raises:
        InputError: If a file cannot be read or lacks its part, or the result cannot be written.
    """
    first, second = load_checkpoint(network), read_tensors(Path(encoder))
    described = _parsed(second.header, Path(encoder)) if HEADER in second.header else {}
    if first.network is None:
        raise InputError(f"{network}: holds no network")
    if "encoder" not in described:
        raise InputError(f"{encoder}: holds no encoder")
    header = {
        **described,
        "network": first.network.configuration.as_json(),
        "notes": {"network": dict(first.notes), "encoder": described["notes"]},
    }
    tensors = {
        name: tensor for name, tensor in second.tensors.items() if not name.startswith(_NETWORK)
    } | _named(_NETWORK, first.network.state_dict())
    _write(Path(combined), tensors, header)


def _write(path: Path, tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    if path.suffix != ".safetensors":
        raise InputError(f"{path}: give a name that ends in .safetensors")
    try:
        text = json.dumps(header, sort_keys=True)
    except TypeError as error:
        raise ValueError(f"notes of a checkpoint are plain values for JSON ({error})") from error
    try:
        with appearing(path) as temporary:
            save_file(dict(tensors), temporary, {HEADER: text})
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place"
        ) from error


def _network(described: dict[str, Any]) -> Network:
    """An untrained network of a header's configuration."""
    if described.get("variant") == FIXED:
        return FixedSGAFusionNet(FixedConfiguration.from_json(described))
    return SGAFusionNet(configuration=SGAFusionConfiguration.from_json(described))


def _released_network(tensors: Mapping[str, torch.Tensor], path: Path) -> SGAFusionNet:
    network = SGAFusionNet("released")
    try:
        load_exactly(network, tensors, path)
    except InputError as error:
        raise InputError(
            f"{error}; without a header it was taken for a checkpoint of the released code"
        ) from error
    return network.eval()


def _require_fit_of(path: Path, network: Network | None, encoder: SemanticEncoder | None) -> None:
    try:
        _require_fit(network, encoder)
    except ValueError as error:
        raise InputError(
            f"{path}: {error}; combine a network and an encoder that were trained together"
        ) from error


def _require_fit(network: Network | None, encoder: SemanticEncoder | None) -> None:
    if network is None or encoder is None:
        return
    wanted, given = network.configuration.embedding_width, encoder.configuration.embedding_width
    if wanted != given:
        raise ValueError(f"the network takes embeddings of {wanted} numbers, the encoder gives {given}")


def _parsed(header: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        described = json.loads(header[HEADER])
        version = described["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its header makes no sense; get the file again") from error
    if version != FORMAT:
        raise InputError(f"{path}: has format {version}, this version reads {FORMAT}; update fusionbench")
    parts = [described.get("notes"), *(described.get(name, {}) for name in _PARTS)]
    if not all(isinstance(part, dict) for part in parts) or not described.keys() & {"network", "encoder"}:
        raise InputError(f"{path}: its header makes no sense; get the file again")
    checked: dict[str, Any] = described
    return checked


def _encoder_tensors(encoder: SemanticEncoder, header: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What is kept of an encoder; says in the header how its tower is to be made again."""
    adaptation = adaptation_of(encoder.tower)
    if not encoder.configuration.tower.pretrained:
        tower = encoder.tower if adaptation is None else merged(copy.deepcopy(encoder.tower))
        whole = {f"{_TOWER}{name}": tensor for name, tensor in tower.state_dict().items()}
        return _named(_ENCODER, _head(encoder) | whole)
    if encoder.has_merged_adapters:
        raise ValueError("the adapters are merged into CLIP's tower; load the checkpoint with merge=False")
    header["tower_fingerprint"] = tower_fingerprint(encoder.tower)
    if adaptation is None:
        return _named(_ENCODER, _head(encoder))
    header["adaptation"] = asdict(adaptation)
    return _named(_ENCODER, _head(encoder)) | _named(_ADAPTER, adapter_weights(encoder.tower))


def _head(encoder: SemanticEncoder) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in encoder.state_dict().items() if not name.startswith(_TOWER)}


def _load_encoder(
    encoder: SemanticEncoder,
    tensors: Mapping[str, torch.Tensor],
    described: Mapping[str, Any],
    path: Path,
    clip_weights: Path | None,
    merge: bool,
) -> None:
    own = _part(tensors, _ENCODER)
    if encoder.configuration.tower.pretrained:
        load_pretrained(encoder.tower, clip_weights, beside=path.parent)
        if tower_fingerprint(encoder.tower) != described.get("tower_fingerprint"):
            raise InputError(
                f"{path}: stands on other weights of CLIP than those found here; get {CLIP_FILE} from OpenAI"
            )
        # The head is checked on its own: the tower's weights have just been read.
        own |= {f"{_TOWER}{name}": tensor for name, tensor in encoder.tower.state_dict().items()}
    load_exactly(encoder, own, path)
    if "adaptation" in described:
        values = described["adaptation"]
        tower = adapted(encoder.tower, Adaptation(**{**values, "targets": tuple(values["targets"])}))
        load_adapter_weights(tower, _part(tensors, _ADAPTER))
        encoder.tower = merged(tower) if merge else tower
        encoder.has_merged_adapters = merge


def _named(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
