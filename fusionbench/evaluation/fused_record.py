"""What made the images of a folder of fused images, so that none is taken for another's."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from fusionbench.contracts import Dataset, Sample
from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import content_hash, method_hash, weights_hash
from fusionbench.images import image_files
from fusionbench.ready_methods import ReadyMethod

RECORD_NAME = "fused.jsonl"


class FusedRecord:
    """A file in the folder, one line an image: method, and hash of code, weights and pair.

    Args:
        path: The file.
        method: Name of the method that writes here now.
        maker: Hash of its code and weights.
        known: Image id to the hash of what made it.
    """

    def __init__(self, path: Path, method: str, maker: str, known: dict[str, str]) -> None:
        self._path = path
        self._method = method
        self._maker = maker
        self._known = known

    @classmethod
    def open(
        cls,
        folder: Path,
        ready: ReadyMethod,
        method: str,
        weights: Path | None,
        *,
        overwrite: bool,
    ) -> FusedRecord:
        """Open a folder for the images of a method.

        Raises:
            InputError: If it holds images of another method, or that nothing tells the origin of, and they
                may not be overwritten.
        """
        path = folder / RECORD_NAME
        parts = [method_hash(method), None if weights is None else weights_hash(weights)]
        maker = content_hash(parts if ready.post == "clamp" else [*parts, ready.post])
        lines = _read_lines(path)
        others = sorted({line["method"] for line in lines if line["maker"] != maker})
        untold = not lines and folder.is_dir() and bool(image_files(folder))
        if (others or untold) and not overwrite:
            whose = f"images of {others[0]}" if others else "images of unknown origin"
            whose += " as its code or weights were then" if others == [ready.name] else ""
            raise InputError(f"{folder}: holds {whose}; choose another folder, or --overwrite them")
        known = {} if overwrite else {line["image"]: line["made_from"] for line in lines}
        if overwrite:
            path.unlink(missing_ok=True)
        return cls(path, ready.name, maker, known)

    def identity(self, dataset: Dataset, sample: Sample) -> str:
        """Hash of everything that decides the fused image of a sample.

        Raises:
            InputError: If the sample cannot be read.
        """
        if sample.problem:
            raise InputError(sample.problem)
        return content_hash([self._maker, dataset.fingerprint(sample)])

    def holds(self, sample: Sample, made_from: str) -> bool:
        """Whether the folder's image of a sample was made from this."""
        return self._known.get(sample.id) == made_from

    def add(self, sample: Sample, made_from: str) -> None:
        """Note that the image of a sample is written.

        Raises:
            InputError: If the record cannot be written.
        """
        line = {"image": sample.id, "method": self._method, "maker": self._maker, "made_from": made_from}
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror}); free space") from error


def _read_lines(path: Path) -> list[dict[str, str]]:
    """Lines of a record; one that a killed run tore is left out, and its image made again."""
    lines: list[dict[str, str]] = []
    with contextlib.suppress(OSError):
        for text in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict) and line.keys() == {"image", "method", "maker", "made_from"}:
                    lines.append(line)
    return lines
