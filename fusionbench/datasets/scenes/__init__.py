"""`scenes`: synthetic road scenes, generated on the spot, with complete ground truth.

`dataset` answers the contract; `rendering` makes one scene: `layout` and `traffic` draw a `world` in metres,
`sky`, `ground`, `buildings` and `objects` paint it into `surfaces` (reflectance, temperature, emissivity,
depth, class of every pixel), and the two cameras, `visible` and `infrared`, each look at those.
"""

from fusionbench.datasets.scenes.dataset import Scenes

__all__ = ["Scenes"]
