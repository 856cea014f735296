"""What `--method` names: enhancements of the visible image, then a method: `dcp>seafusion`. And its card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench import registry
from fusionbench.contracts import MethodCard
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.contracts import Enhancement, FusionMethod

SEPARATOR = ">"


@dataclass(frozen=True)
class MethodReference:
    """A method, and what is done to the visible image before it.

    Args:
        text: Registered names of enhancements and of a method, separated by `>`; the method may also be
            `file.py:ClassName` or `external:FOLDER`.

    Raises:
        InputError: If a name is left out.
    """

    text: str

    def __post_init__(self) -> None:
        if not all(self._parts):
            raise InputError(f"--method {self.text}: write ENHANCEMENT>METHOD, such as dcp>lp")

    @property
    def _parts(self) -> list[str]:
        return [part.strip() for part in self.text.split(SEPARATOR)]

    @property
    def method(self) -> str:
        """The method's own reference."""
        return self._parts[-1]

    @property
    def enhancements(self) -> tuple[str, ...]:
        """Names of enhancements, the first to be applied first."""
        return tuple(self._parts[:-1])

    @property
    def method_class(self) -> type[FusionMethod]:
        """The method's class.

        Raises:
            InputError: If it is an enhancement.
            UnknownNameError: If it is not registered.
        """
        if self.method in registry.names("enhancement"):
            raise InputError(
                f"--method {self.text}: {self.method} is an enhancement, which comes before a method: "
                f"{self.method}>lp"
            )
        return registry.method_class(self.method)

    @property
    def name(self) -> str:
        """What tables call it."""
        return SEPARATOR.join([*self.enhancements, card_of(self.method_class).name])

    def create_enhancements(self) -> tuple[Enhancement, ...]:
        """The enhancements, ready for use.

        Raises:
            InputError: If one is a method.
            UnknownNameError: If one is not registered.
        """
        for name in self.enhancements:
            if name in registry.names("method"):
                raise InputError(
                    f"--method {self.text}: {name} is a method; before it come enhancements only: "
                    f"{', '.join(registry.names('enhancement'))}"
                )
        return tuple(registry.enhancement(name) for name in self.enhancements)


def card_of(method: type[FusionMethod] | FusionMethod) -> MethodCard:
    """The method's card, or one made from its class name."""
    kind = method if isinstance(method, type) else type(method)
    card = getattr(method, "card", None)
    if not isinstance(card, MethodCard):
        return MethodCard(name=kind.__name__, title=kind.__name__)
    inherited = "card" not in vars(kind) and "card" not in getattr(method, "__dict__", {})
    # A variant that says nothing of its own name is not the method it derives from.
    return replace(card, name=kind.__name__) if inherited else card


def card_with(method: type[FusionMethod], weights: Path | None) -> MethodCard:
    """The method's card, with what given weights make of it.

    Raises:
        InputError: If the weights cannot be read.
    """
    described = getattr(method, "card_for", None)
    return described(weights) if callable(described) else card_of(method)
