"""Where the datasets come from, under which terms, and how many files they should have.

None of these datasets is redistributed here. Counts and terms are those of the official repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fusionbench.errors import InputError, UnknownNameError

GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Repository:
    """A GitHub repository at one commit; its zip archive carries that commit as its comment."""

    owner: str
    name: str
    commit: str

    @property
    def url(self) -> str:
        """Address of the zip archive."""
        return f"https://codeload.github.com/{self.owner}/{self.name}/zip/{self.commit}"


@dataclass(frozen=True)
class Source:
    """Where one dataset comes from."""

    name: str
    folder: str
    """Name of the folder it is unpacked to."""
    terms: str
    origin: str
    """The official page."""
    repository: Repository | None = None
    """None where a share link or form stands in the way of a program."""
    steps: tuple[str, ...] = ()
    """What a person must do where no program can."""
    pairs: Mapping[str, int] = field(default_factory=dict)
    """Split to the number of pairs the authors document."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Pattern of files to their number, for what is not a dataset of pairs."""
    companion: str = ""
    """Name of another source with labels for this one."""
    maximum_bytes: int = 4 * GIBIBYTE
    """Most that an honest archive unpacks to, with ample room; one that declares more is refused."""


def source(name: str) -> Source:
    """The source registered under a name.

    Raises:
        InputError: If the dataset needs no download.
        UnknownNameError: If there is none.
    """
    if name == "scenes":
        raise InputError("scenes is generated on the spot; there is nothing to download")
    if name == "folder":
        raise InputError("folder is two folders of your own; there is nothing to download")
    if name not in SOURCES:
        raise UnknownNameError("downloadable dataset", name, SOURCES)
    return SOURCES[name]


def _by_hand(archive: str, name: str, links: str) -> tuple[str, ...]:
    return (
        f"open {links} in a browser and download {archive} (a browser is needed: the link answers a program "
        "with a web page)",
        f"fusionbench data download {name} --root DIR --from {archive}",
    )


_M3FD_TERMS = (
    "no licence stated for the data (the code is GPL-3.0): research only, do not redistribute; cite the paper"
)
_M3FD_PAGE = "https://github.com/JinyuanLiu-CV/TarDAL"
_M3FD_LINKS = (
    "https://drive.google.com/drive/folders/1H-oO7bgRuVFYDcMGvxstT1nmy0WF_Y_6 or "
    "https://pan.baidu.com/s/1GoJrrl_mn2HNQVDSUdPCrw (code M3FD)"
)

SOURCES: Mapping[str, Source] = {
    entry.name: entry
    for entry in (
        Source(
            name="llvip",
            folder="LLVIP",
            terms="free for non-commercial use; cite the paper, declare new annotations, identify no person, "
            "do not redistribute",
            origin="https://bupt-ai-cz.github.io/LLVIP",
            steps=_by_hand(
                "LLVIP.zip",
                "llvip",
                "https://drive.google.com/file/d/1VTlT3Y7e1h-Zsne4zahjx5q0TK2ClMVv or "
                "https://pan.baidu.com/s/1eQO1Is2NPyd-mgmv1Csbfg (code 14lc)",
            ),
            pairs={"train": 12025, "test": 3463},
            maximum_bytes=12 * GIBIBYTE,
        ),
        Source(
            name="m3fd",
            folder="M3FD_Detection",
            terms=_M3FD_TERMS,
            origin=_M3FD_PAGE,
            steps=_by_hand("M3FD_Detection.zip", "m3fd", _M3FD_LINKS),
            pairs={"all": 4200},
            maximum_bytes=16 * GIBIBYTE,
        ),
        Source(
            name="m3fd_fusion",
            folder="M3FD_Fusion",
            terms=_M3FD_TERMS,
            origin=_M3FD_PAGE,
            steps=_by_hand("M3FD_Fusion.zip", "m3fd_fusion", _M3FD_LINKS),
            pairs={"all": 300},
        ),
        Source(
            name="msrs",
            folder="MSRS",
            terms="no licence stated; derived from MFNet (University of Tokyo): cite PIAFusion and MFNet, "
            "do not redistribute",
            origin="https://github.com/Linfeng-Tang/MSRS",
            repository=Repository("Linfeng-Tang", "MSRS", "de83679f3d539b5f4a186c651e0ca70cfb17db14"),
            pairs={"train": 1083, "test": 361},
            companion="msrs_labels",
        ),
        Source(
            name="msrs_labels",
            folder="MSRS-detection-label",
            terms="no licence stated; third-party boxes for MSRS: name their repository, do not redistribute",
            origin="https://github.com/Lele-3/MSRS-detection-label",
            repository=Repository(
                "Lele-3", "MSRS-detection-label", "cb6ffc0a3ee64f979d79a6a0ebf666761decb16a"
            ),
            files={
                f"{kind}/{split}/*.txt": count
                for kind in ("fusion", "visible", "infrared")
                for split, count in (("train", 1083), ("test", 361))
            },
        ),
        Source(
            name="roadscene",
            folder="RoadScene",
            terms="no licence stated; derived from FLIR videos, whose terms apply: cite the paper, "
            "do not redistribute",
            origin="https://github.com/hanna-xu/RoadScene",
            repository=Repository("hanna-xu", "RoadScene", "ab71420f8fc96396eeb97eecf3694909b3feb656"),
            pairs={"all": 221},
        ),
    )
}
