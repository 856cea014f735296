"""Gets published lists of ids: downloads each and checks which images it names."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path, PurePosixPath

from fusionbench.datasets.archives import ArchiveError
from fusionbench.datasets.download import Installed, StepProgress, require_free
from fusionbench.datasets.fetch import fetch_file
from fusionbench.datasets.sources import PublishedList, Source
from fusionbench.datasets.splits import list_text
from fusionbench.errors import InputError


def install_lists(source: Source, root: Path, progress: StepProgress) -> Installed:
    """Download a source's lists to `root/<its folder>`, which appears whole or not at all.

    Raises:
        InputError: If the folder is there already or cannot be written to, a download fails, or a list does
            not name the images it is known to name.
    """
    target = require_free(source, root)
    try:
        with tempfile.TemporaryDirectory(prefix=".fusionbench-", dir=root) as aside:
            folder = Path(aside, source.folder)
            for name, published in source.lists.items():
                fetched = Path(aside, "fetched")
                fetch_file(published.url, fetched, progress(name))
                content = _checked(fetched, published)
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            folder.rename(target)
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror or error}); choose another --root"
        ) from error
    return Installed(target, {name: published.images for name, published in source.lists.items()})


def _checked(fetched: Path, published: PublishedList) -> bytes:
    """The list as it is written.

    Raises:
        ArchiveError: If the file is no list, or one of other images.
    """
    try:
        text = fetched.read_text(encoding="utf-8")
        ids = _images_of_coco(text) if published.url.endswith(".json") else text.split()
    except (ValueError, LookupError, TypeError) as error:
        raise ArchiveError(f"{published.url}: is no list of images ({error!r}); report it") from error
    content = list_text(sorted(ids)).encode()
    digest = hashlib.sha256(content).hexdigest()
    if digest != published.sha256:
        raise ArchiveError(
            f"{published.url}: names {len(ids)} images (SHA-256 of the sorted ids {digest[:12]}…), expected "
            f"{published.images} ({published.sha256[:12]}…); get it again, or report it"
        )
    return content


def _images_of_coco(text: str) -> list[str]:
    return [PurePosixPath(image["file_name"]).stem for image in json.loads(text)["images"]]
