"""Checkpoints: one safetensors file with the network, the encoder, and in its header what they are.

The weights of CLIP's tower are not repeated: a checkpoint of the `clip` encoder holds its adapters and head.
"""

from __future__ import annotations

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
from fusionbench_methods.sgafusion.network import SGAFusionNet
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration, SemanticEncoder
from fusionbench_methods.sgafusion.semantics.low_rank_adaptation import (
    Adaptation,
    adapted,
    adapter_weights,
    load_adapter_weights,
    merged,
)
from fusionbench_methods.sgafusion.semantics.towers import load_pretrained

HEADER = "sgafusion"
"""Key of the header's JSON."""

FORMAT = 1

_NETWORK, _ENCODER, _ADAPTER = "network.", "encoder.", "adapter."
_TOWER = "tower."


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds."""

    network: SGAFusionNet | None
    encoder: SemanticEncoder | None
    """Ready for use: adapters are merged."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What whoever wrote it says of its making: recipe, data, seed."""


@dataclass(frozen=True)
class Description:
    """What a file says of itself, without its tensors."""

    variant: str
    encoder: str
    """`clip`, `compact`, or empty where there is none."""


def save_checkpoint(
    path: Path,
    network: SGAFusionNet | None = None,
    encoder: SemanticEncoder | None = None,
    *,
    adaptation: Adaptation | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a network, an encoder, or both; the file appears complete or not at all.

    Args:
        path: A name that ends in `.safetensors`.
        network: The network.
        encoder: The encoder. Of one with OpenAI's tower, which must be adapted, adapters and head are kept.
        adaptation: How its tower was adapted, if it was.
        notes: Values for JSON about how it was made.

    Raises:
        InputError: If it cannot be written, or has another suffix.
        ValueError: If an encoder with OpenAI's tower is not adapted.
    """
    from safetensors.torch import save_file

    if path.suffix != ".safetensors":
        raise InputError(f"{path}: give a name that ends in .safetensors")
    header: dict[str, Any] = {"format": FORMAT, "notes": dict(notes or {})}
    tensors: dict[str, torch.Tensor] = {}
    if network is not None:
        header["network"] = network.configuration.as_json()
        tensors |= _named(_NETWORK, network.state_dict())
    if encoder is not None:
        header["encoder"] = encoder.configuration.as_json()
        tensors |= _encoder_tensors(encoder, adaptation)
    if adaptation is not None:
        header["adaptation"] = asdict(adaptation)
    try:
        with appearing(path) as temporary:
            save_file(tensors, temporary, {HEADER: json.dumps(header, sort_keys=True)})
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place"
        ) from error


def load_checkpoint(path: Path, *, clip_weights: Path | None = None) -> Checkpoint:
    """Read a checkpoint: our own, or a network's weights by the released names.

    Args:
        path: `.safetensors` as `save_checkpoint` writes; or the state dictionary of the released code, as
            `.pth` or `.safetensors`, which holds the variant `released` and no encoder.
        clip_weights: OpenAI's weights for an encoder that stands on them; None looks in the usual places.

    Raises:
        InputError: If the file or CLIP's weights are missing, damaged, or something else.
    """
    tensors, header = read_tensors(path)
    if HEADER not in header:
        released = SGAFusionNet("released")
        load_exactly(released, tensors, path)
        return Checkpoint(released.eval(), None)
    described = _parsed(header, path)
    network, encoder = None, None
    try:
        if "network" in described:
            network = SGAFusionNet(configuration=SGAFusionConfiguration.from_json(described["network"]))
        if "encoder" in described:
            encoder = SemanticEncoder(SemanticConfiguration.from_json(described["encoder"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its header makes no sense ({error}); get the file again") from error
    if network is not None:
        load_exactly(network, _part(tensors, _NETWORK), path)
        network.eval()
    if encoder is not None:
        _load_encoder(encoder, tensors, described, path, clip_weights)
        encoder.requires_grad_(False).eval()
    return Checkpoint(network, encoder, described["notes"])


def describe(path: Path) -> Description:
    """What a checkpoint is, from its header alone.

    Raises:
        InputError: If the file is missing or damaged.
    """
    header = read_header(path)
    if HEADER not in header:
        return Description("released", "")
    described = _parsed(header, path)
    return Description(
        described.get("network", {}).get("variant", ""),
        described.get("encoder", {}).get("tower", {}).get("name", ""),
    )


def combine_checkpoints(network: Path, encoder: Path, combined: Path) -> None:
    """Put the network of one file and the encoder of another into one, for example a released network.

    Raises:
        InputError: If a file cannot be read or lacks its part, or the result cannot be written.
    """
    first, second = load_checkpoint(network), read_tensors(encoder)
    described = _parsed(second.header, encoder) if HEADER in second.header else {}
    if first.network is None:
        raise InputError(f"{network}: holds no network")
    if "encoder" not in described:
        raise InputError(f"{encoder}: holds no encoder")
    from safetensors.torch import save_file

    header = {**described, "network": first.network.configuration.as_json()}
    tensors = {
        name: tensor for name, tensor in second.tensors.items() if not name.startswith(_NETWORK)
    } | _named(_NETWORK, first.network.state_dict())
    with appearing(combined) as temporary:
        save_file(tensors, temporary, {HEADER: json.dumps(header, sort_keys=True)})


def _parsed(header: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = json.loads(header[HEADER])
        version = described["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its header makes no sense; get the file again") from error
    if version != FORMAT:
        raise InputError(f"{path}: has format {version}, this version reads {FORMAT}; update fusionbench")
    return described


def _encoder_tensors(encoder: SemanticEncoder, adaptation: Adaptation | None) -> dict[str, torch.Tensor]:
    if not encoder.configuration.tower.pretrained:
        return _named(_ENCODER, encoder.state_dict())
    if adaptation is None:
        raise ValueError("an encoder on CLIP's tower is kept as its adapters; say how it was adapted")
    head = {name: tensor for name, tensor in encoder.state_dict().items() if not name.startswith(_TOWER)}
    return _named(_ENCODER, head) | _named(_ADAPTER, adapter_weights(encoder.tower))


def _load_encoder(
    encoder: SemanticEncoder,
    tensors: Mapping[str, torch.Tensor],
    described: Mapping[str, Any],
    path: Path,
    clip_weights: Path | None,
) -> None:
    own = _part(tensors, _ENCODER)
    if encoder.configuration.tower.pretrained:
        load_pretrained(encoder.tower, clip_weights, beside=path.parent)
        # The head is checked on its own: the tower's weights have just been read.
        own |= {f"{_TOWER}{name}": tensor for name, tensor in encoder.tower.state_dict().items()}
    load_exactly(encoder, own, path)
    if "adaptation" in described:
        values = described["adaptation"]
        tower = adapted(encoder.tower, Adaptation(**{**values, "targets": tuple(values["targets"])}))
        try:
            load_adapter_weights(tower, _part(tensors, _ADAPTER))
        except ValueError as error:
            raise InputError(f"{path}: {error}; get the file again") from error
        encoder.tower = merged(tower)


def _named(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
