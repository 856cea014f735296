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

    def file_url(self, path: str) -> str:
        """Address of one of its files."""
        return f"https://raw.githubusercontent.com/{self.owner}/{self.name}/{self.commit}/{path}"


@dataclass(frozen=True)
class PublishedList:
    """Which images somebody trains or tests on, as they publish it."""

    url: str
    """A list of ids, or a COCO annotation file (`.json`), whose images are meant."""
    images: int
    sha256: str
    """Of the ids, sorted, one a line with a line feed after each."""


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
    lists: Mapping[str, PublishedList] = field(default_factory=dict)
    """Path in the folder to a published list of ids: a source of lists has these in place of an archive."""
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

_VOC2COCO = Repository("ganlumomo", "voc2coco", "20239ca2581e87750a83bc7e9a088e1a1c4cb8de")
_SDCUN = Repository("op-dog", "SDCUN", "f6d8d448ef0fc0cc376e5bf3709ebc82a8958aa8")

M3FD_LISTS: Mapping[str, PublishedList] = {
    "voc2coco/train.txt": PublishedList(
        _VOC2COCO.file_url("outputs/m3fd-train.json"),
        2727,
        "e5f7d1c7f6dc000fbcc83ce37412954a7e98ce156221c8b32ab8a72a26421104",
    ),
    "voc2coco/val.txt": PublishedList(
        _VOC2COCO.file_url("outputs/m3fd-val.json"),
        633,
        "af25644fc13ccbe2dd242b3290f61f4b9905869fef29971333fbf9cbde93f02c",
    ),
    "voc2coco/test.txt": PublishedList(
        _VOC2COCO.file_url("outputs/m3fd-test.json"),
        840,
        "2e337c27295c2ef9fb3a73615073af8f51dbd302d4b2e4ecb4de09014fa00724",
    ),
    "cddfuse/train.txt": PublishedList(
        _SDCUN.file_url("Data/detection_M3FD/train.txt"),
        3360,
        "93564e791f17a63f55efbe9c0d561c03cefa92639efe01b55cb82c3842d4c265",
    ),
    "cddfuse/val.txt": PublishedList(
        _SDCUN.file_url("Data/detection_M3FD/val.txt"),
        420,
        "8db1b5994f3eecc09784627241c9faf4c0edf95c72f75257e15b2d99211fbc92",
    ),
    "cddfuse/test.txt": PublishedList(
        _SDCUN.file_url("Data/detection_M3FD/test.txt"),
        420,
        "c10ccc70460fc7f9ec9d4c48a40838c4a77b04d2537227cbca5cef27e66cb3a1",
    ),
}
"""Two splits in use, which divide video frames at random: of voc2coco, and CDDFuse's (by SDCUN's list)."""

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
            name="m3fd_splits",
            folder="M3FD_splits",
            terms="no licence stated; lists of ids by third parties: name the repository of the one you use",
            origin="https://github.com/ganlumomo/voc2coco and https://github.com/op-dog/SDCUN",
            lists=M3FD_LISTS,
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
            name="fmb",
            folder="FMB",
            terms="no licence stated: research only, do not redistribute; cite the paper",
            origin="https://github.com/JinyuanLiu-CV/SegMiF",
            steps=(
                "open https://drive.google.com/drive/folders/1T_jVi80tjgyHTQDpn-TjfySyW4CK1LlF or "
                "https://pan.baidu.com/s/1k7PgCsSJVZJIoIhgMjWxNg (code IVIF) in a browser and download FMB "
                "(a browser is needed: the link answers a program with a web page)",
                "unpack it so that there are DIR/FMB/train and DIR/FMB/test, each with Visible, Infrared and "
                "Label",
                "fusionbench data check fmb --root DIR",
            ),
            pairs={"train": 1220, "test": 280},
            maximum_bytes=12 * GIBIBYTE,
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
