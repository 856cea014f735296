"""Real conditions that images were taken in, as names, published lists and looking at them tell."""

from __future__ import annotations

M3FD_RUNS: tuple[tuple[int, str], ...] = (
    (0, "day"),
    (244, ""),
    (324, "night"),
    (342, ""),
    (386, "night"),
    (709, ""),
    (719, "day"),
    (743, ""),
    (825, "day"),
    (865, ""),
    (970, "day"),
    (1227, "night"),
    (1301, ""),
    (1444, "night"),
    (1494, ""),
    (1580, "day"),
    (1863, ""),
    (1912, "day"),
    (1935, ""),
    (1995, "day"),
    (2044, ""),
    (2095, "day"),
    (2201, ""),
    (2243, "day"),
    (2756, "night"),
    (2779, "day"),
    (2939, ""),
    (2970, "day"),
    (3376, ""),
    (3403, "day"),
    (3575, ""),
    (3588, "day"),
    (3613, ""),
    (3615, "day"),
    (3616, ""),
    (3627, "day"),
    (3628, ""),
    (3631, "day"),
    (3632, ""),
    (3633, "day"),
    (3634, ""),
    (3635, "day"),
    (3636, ""),
    (3640, "day"),
    (3641, ""),
    (3661, "day"),
    (3855, "night"),
    (4103, "day"),
)
"""First id of each run of M3FD images with one scene attribute, and what it says of the time of day.

After the scene attribute that TarDAL's authors publish for the detection set: `overcast` and `daytime` are
by day; runs they call `challenge` mix glare, fog and smoke, and are left unmarked.
"""

_LAST_OF_M3FD = 4199

M3FD_SEEN = {712: "smoke"}
"""Images whose condition the scene attribute does not tell, as looked at."""

# fmt: off
ROADSCENE_NIGHT = frozenset((
    3801, 3909, 4071, 5573, 5759, 5857, 5879, 5914, 5955, 6065, 6128, 6219, 6282, 6983, 6993, 6997,
    7028, 7081, 7125, 7176, 7202, 7209, 7225, 7365, 7399, 7428, 7504, 7583, 7732, 7786, 7968, 8021,
    8094, 8202, 8248, 8526,
))
# fmt: on
"""Numbers of RoadScene's images taken at night, as looked at; brightness does not tell."""

# fmt: off
ROADSCENE_DAY = frozenset((
    6, 60, 211, 288, 311, 455, 548, 578, 603, 977, 1022, 1274, 1463, 1932, 4215, 4269, 4302, 4354,
    4412, 4484, 4514, 4598, 4607, 4688, 4722, 4735, 4932, 4968, 4997, 5016, 5044, 5064, 5095, 5105,
    5164, 5230, 5252, 6535, 6621, 6660, 6775, 6832, 6874, 6892, 6920, 6962, 8721,
))
# fmt: on
"""Those taken by day. The others are at dusk, or have not been looked at."""


def of_m3fd(image_id: str) -> str:
    """Time of day of an image of the M3FD detection set; empty where its attribute does not tell."""
    if not image_id.isdecimal():
        return ""
    number = int(image_id)
    if number in M3FD_SEEN or number > _LAST_OF_M3FD:
        return M3FD_SEEN.get(number, "")
    return next(native for first, native in reversed(M3FD_RUNS) if number >= first)


def of_roadscene(image_id: str) -> str:
    """Time of day of a RoadScene image; empty where nobody has looked."""
    name = image_id.removeprefix("FLIR_")
    number = int(name) if name.isdecimal() else -1
    if number in ROADSCENE_NIGHT:
        return "night"
    return "day" if number in ROADSCENE_DAY else ""


def by_last_letter(image_id: str) -> str:
    """`day` for a name that ends in D, `night` for N, else nothing."""
    return {"D": "day", "N": "night"}.get(image_id[-1:], "")
