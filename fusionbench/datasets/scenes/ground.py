"""The road, its markings, the sidewalks, and what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.datasets.scenes import textures
from fusionbench.datasets.scenes.camera import Window
from fusionbench.datasets.scenes.shadows import WallShade, draw_ground_shadows
from fusionbench.datasets.scenes.surfaces import Channel, MaskClass, Surfaces
from fusionbench.datasets.scenes.weather import Colour, Weather
from fusionbench.datasets.scenes.world import Street, World

_FARTHEST = 600.0
"""Ground beyond this many metres is hidden by the skyline."""

_PAINT: Colour = (0.62, 0.62, 0.6)
_YELLOW: Colour = (0.6, 0.42, 0.08)
_KERB: Colour = (0.42, 0.41, 0.39)
_GRASS: Colour = (0.09, 0.13, 0.04)

_GRAZING = 0.14
"""Emissivity that a rough surface loses toward grazing view, where it mirrors the low sky."""

_LINE = 0.075
"""Half the width of a painted line, in metres."""
_DASH, _GAP = 3.0, 5.0
_STRIPE = 0.5
"""Width of a zebra stripe and of the gap beside it."""
_MANHOLE = 0.34
"""Radius of an iron cover in metres."""
_MANHOLE_EXCESS = 0.8
"""How much warmer than air an iron cover looks in the shade, in kelvin: it holds less heat than asphalt."""
_CROSSING_DEPTH = 3.2
_BUMP_DEPTH = 0.9

_ASPHALT_SUN, _PAVING_SUN, _GRASS_SUN = 13.0, 10.0, 4.0
"""How much a clear noon warms each above the air, in kelvin."""
_ASPHALT_NIGHT, _PAVING_NIGHT, _GRASS_NIGHT = 4.0, 2.5, -2.5
"""How much warmer than the air each is at night: asphalt has stored heat, grass has radiated it."""


@dataclass
class _Plane:
    """The ground seen through a window, with the world position of each pixel."""

    window: Window
    x: FloatImage
    """`(h, w)` metres from the road's centre line."""
    z: FloatImage
    """`(h, 1)` metres."""
    pixel: FloatImage
    """`(h, 1)` metres across that one pixel spans."""
    depth_pixel: FloatImage
    """`(h, 1)` metres along the road that one pixel spans."""
    albedo: FloatImage
    """`(3, h, w)`."""
    temperature: FloatImage
    """`(h, w)` kelvin above the air in full shade."""
    warming: FloatImage
    """`(h, w)` kelvin that full sun adds."""
    mask: Uint8Image

    def strip(self, near: float, far: float) -> _Plane:
        """The rows that show near < z < far, with a row's margin; writing to it writes to the whole."""
        depths = self.z[::-1, 0]
        first = max(0, len(depths) - int(np.searchsorted(depths, far)) - 1)
        last = min(len(depths), len(depths) - int(np.searchsorted(depths, near)) + 1)
        rows = slice(first, max(first, last))
        return _Plane(
            window=replace(self.window, top=self.window.top + rows.start, bottom=self.window.top + rows.stop),
            x=self.x[rows],
            z=self.z[rows],
            pixel=self.pixel[rows],
            depth_pixel=self.depth_pixel[rows],
            albedo=self.albedo[:, rows],
            temperature=self.temperature[rows],
            warming=self.warming[rows],
            mask=self.mask[rows],
        )

    def step(self, distance: FloatImage) -> FloatImage:
        """Coverage of the side where `distance` (metres, across the road) is positive, without jaggies."""
        covered: FloatImage = np.clip(distance / self.pixel + np.float32(0.5), 0.0, 1.0)
        return covered

    def band(self, near: float, far: float) -> FloatImage:
        """Coverage of near < z < far, `(h, 1)`."""
        inside = np.minimum(self.z - np.float32(near), np.float32(far) - self.z)
        covered: FloatImage = np.clip(inside / self.depth_pixel + np.float32(0.5), 0.0, 1.0)
        return covered

    def cover(self, coverage: FloatImage, albedo: FloatImage | Colour, warming: float, excess: float) -> None:
        """Blend a material in: reflectance, and what it does to the temperature."""
        for plane in range(3):
            self.albedo[plane] += coverage * (albedo[plane] - self.albedo[plane])
        self.warming += coverage * (np.float32(warming) - self.warming)
        self.temperature += coverage * (np.float32(excess) - self.temperature)


def paint_ground(surfaces: Surfaces, world: World) -> None:
    """Paint everything below the horizon that lies flat."""
    camera = surfaces.camera
    first = max(0, int(camera.centre[1] + camera.focal * camera.eye / _FARTHEST))
    window = Window(0, min(first, camera.height), camera.width, camera.height)
    if window.empty:
        return
    plane = _plane(surfaces, window, world.street)
    _surface_materials(plane, world.street, world.weather)
    _markings(plane, world.street)
    _write(surfaces, plane, world)


def _plane(surfaces: Surfaces, window: Window, street: Street) -> _Plane:
    camera = surfaces.camera
    slope = np.maximum(camera.row_slopes(window), np.float32(camera.eye / _FARTHEST))
    z = np.float32(camera.eye) / slope
    x = camera.column_slopes(window) * z - np.float32(street.centre)
    shape = (window.height, window.width)
    return _Plane(
        window=window,
        x=x,
        z=z,
        pixel=z * np.float32(1.0 / camera.focal),
        depth_pixel=z * z * np.float32(1.0 / (camera.focal * camera.eye)),
        albedo=np.empty((3, *shape), dtype=np.float32),
        temperature=np.empty(shape, dtype=np.float32),
        warming=np.empty(shape, dtype=np.float32),
        mask=np.zeros(shape, dtype=np.uint8),
    )


def _surface_materials(plane: _Plane, street: Street, weather: Weather) -> None:
    """Asphalt, kerb, sidewalk, and grass or paving beyond."""
    night = weather.night
    fine = textures.look_up(textures.grain(), *_grain_coordinates(plane))
    broad = textures.look_up(textures.smooth(), plane.z * 9.0 + street.drift, plane.x * 22.0)
    tone = np.float32(street.asphalt) * (1.0 + np.float32(0.36) * fine + np.float32(0.3) * broad)
    _wear(plane, street, tone)
    plane.albedo[0] = tone
    plane.albedo[1] = tone * np.float32(1.0)
    plane.albedo[2] = tone * np.float32(1.04)
    plane.warming[:] = np.float32(_ASPHALT_SUN) * (1.0 - 0.15 * broad)
    plane.temperature[:] = np.float32(_ASPHALT_NIGHT if night else 0.5) + np.float32(1.6) * broad
    _manholes(plane, street)
    across = np.abs(plane.x)
    beyond = plane.step(across - np.float32(street.half_width))
    seams = np.float32(1.0) - np.float32(0.35) * _grid(plane, 0.6)
    paving = [np.float32(level) * seams * (1.0 + 0.26 * fine + 0.2 * broad) for level in street.paving]
    plane.cover(beyond, np.stack(paving), _PAVING_SUN, _PAVING_NIGHT if night else 1.0)
    if street.district != "city":
        verge = plane.step(across - np.float32(street.wall))
        leaf = textures.look_up(textures.leafy(), *_grain_coordinates(plane))
        grass = [np.float32(level) * (1.0 + 0.5 * leaf + 0.5 * broad) for level in _GRASS]
        plane.cover(verge, np.stack(grass), _GRASS_SUN, _GRASS_NIGHT if night else -1.0)
    kerb = beyond * plane.step(np.float32(street.half_width + 0.2) - across)
    plane.cover(kerb, _KERB, _PAVING_SUN, _PAVING_NIGHT if night else 1.0)
    plane.mask[(kerb >= 0.5) & (plane.pixel < 0.2)] = MaskClass.CURVE


def _wear(plane: _Plane, street: Street, tone: FloatImage) -> None:
    """Darken wheel tracks, cracks and a repair in place."""
    lane = np.float32(street.lane)
    track = np.abs(np.abs(np.abs(plane.x) % lane - lane * np.float32(0.5)) - np.float32(0.75))
    tone *= 1.0 - np.float32(0.1) * np.clip(1.0 - track * np.float32(2.5), 0.0, 1.0)
    vein = textures.look_up(textures.smooth(), plane.z * 14.0 + 91.0, plane.x * 18.0 + street.drift)
    width = np.float32(0.006) + plane.pixel * np.float32(0.1)
    near = np.clip(np.float32(1.2) - plane.z * np.float32(0.035), 0.0, 1.0)
    tone *= 1.0 - np.float32(0.45) * near * np.clip(1.0 - np.abs(vein - 0.12) / width, 0.0, 1.0)
    start = 6.0 + street.drift % 17.0
    repair = plane.band(start, start + 3.5) * plane.step(np.float32(1.1) - np.abs(plane.x - np.float32(0.4)))
    tone *= 1.0 - np.float32(0.25) * repair


def _manholes(plane: _Plane, street: Street) -> None:
    """Iron covers in the lane: darker, and cooler than the asphalt around them."""
    x = np.float32(0.5 * street.lane - 0.3)
    for number in range(3):
        z = 7.5 + street.drift % 5.0 + 13.0 * number
        strip = plane.strip(z - _MANHOLE, z + _MANHOLE)
        across = (strip.x - x) * np.float32(1.0 / _MANHOLE)
        along = (strip.z - np.float32(z)) * np.float32(1.0 / _MANHOLE)
        inside = np.float32(1.0) - across * across - along * along
        cover = np.clip(inside * np.float32(_MANHOLE / 2) / strip.pixel + np.float32(0.5), 0.0, 1.0)
        ridges = np.abs(across * np.float32(4.0) % np.float32(1.0) - np.float32(0.5)) > 0.25
        iron = np.float32(0.06) + np.float32(0.06) * ridges
        strip.cover(cover, np.stack([iron, iron, iron]), _ASPHALT_SUN - 4.0, _MANHOLE_EXCESS)


def _grain_coordinates(plane: _Plane) -> tuple[FloatImage, FloatImage]:
    """Texel coordinates that keep texels about a pixel big at every distance, fixed to the ground."""
    return plane.z * _per_metre(plane.depth_pixel), plane.x * _per_metre(plane.pixel)


def _per_metre(pixel: FloatImage) -> FloatImage:
    """Texels per metre, a power of two, for pixels of a given span; never finer than 6 mm."""
    _, exponent = np.frexp(np.maximum(pixel * np.float32(1.3), np.float32(0.006)))
    density: FloatImage = np.ldexp(np.float32(1.0), -exponent).astype(np.float32)
    return density


def _grid(plane: _Plane, spacing: float) -> FloatImage:
    """Seams between slabs, fading out where they are thinner than a pixel."""
    half = np.float32(0.012)

    def seams(position: FloatImage, pixel: FloatImage) -> FloatImage:
        offset = np.abs(position % np.float32(spacing) - np.float32(spacing / 2))
        line = np.clip((offset - np.float32(spacing / 2) + half) / pixel + np.float32(0.5), 0.0, 1.0)
        lines: FloatImage = line * np.minimum(1.0, 2.0 * half / pixel + np.float32(0.05))
        return lines

    crossed: FloatImage = np.maximum(seams(plane.x, plane.pixel), seams(plane.z, plane.depth_pixel))
    return crossed


def _markings(plane: _Plane, street: Street) -> None:
    """Lane lines, edge lines, zebra crossing and speed bump."""
    across = np.abs(plane.x)
    wear = np.float32(0.92) + np.float32(0.3) * textures.look_up(
        textures.smooth(), plane.z * 60.0 + 5.0, plane.x * 80.0
    )
    np.clip(wear, 0.35, 1.0, out=wear)
    clear = (
        1.0 - plane.band(street.crossing - 2.2, street.crossing + _CROSSING_DEPTH + 1.0)
        if street.crossing
        else 1.0
    )
    lanes = int(street.half_width // street.lane)
    dashes = _dashes(plane)
    for number in range(1, lanes + 1):
        dash = dashes if number < lanes else np.float32(1.0)
        line = _line(plane, across - np.float32(number * street.lane)) * dash * clear
        _paint(plane, line * wear, _PAINT)
    centre = _line(plane, across - np.float32(0.12)) if lanes > 1 else _line(plane, plane.x) * dashes
    _paint(plane, centre * wear * clear, _YELLOW if lanes > 1 else _PAINT)
    if street.crossing is not None:
        _zebra(plane, street, street.crossing, wear)
    if street.bump is not None:
        _bump(plane, street, street.bump)


def _line(plane: _Plane, distance: FloatImage) -> FloatImage:
    inside = plane.step(np.float32(_LINE) - np.abs(distance))
    line: FloatImage = inside * np.minimum(np.float32(1.0), np.float32(2.0 * _LINE) / plane.pixel)
    return line


def _dashes(plane: _Plane) -> FloatImage:
    period = np.float32(_DASH + _GAP)
    offset = np.abs(plane.z % period - period * np.float32(0.5))
    inside = (np.float32(_DASH * 0.5) - offset) / plane.depth_pixel + np.float32(0.5)
    dashes: FloatImage = np.clip(inside, 0.0, 1.0)
    return dashes


def _paint(plane: _Plane, coverage: FloatImage, colour: Colour) -> None:
    for channel in range(3):
        plane.albedo[channel] += coverage * (np.float32(colour[channel]) - plane.albedo[channel])
    plane.warming -= coverage * np.float32(4.0)
    plane.mask[coverage >= 0.4] = MaskClass.CURVE


def _zebra(plane: _Plane, street: Street, near: float, wear: FloatImage) -> None:
    offset = np.abs(plane.x % np.float32(2 * _STRIPE) - np.float32(_STRIPE))
    stripes = plane.step(np.float32(_STRIPE / 2) - offset)
    inside = plane.step(np.float32(street.half_width - 0.3) - np.abs(plane.x))
    band = plane.band(near, near + _CROSSING_DEPTH)
    _paint(plane, stripes * inside * band * wear, _PAINT)
    stop = plane.band(near - 1.8, near - 1.45) * inside * plane.step(plane.x - np.float32(0.2))
    _paint(plane, stop * wear, _PAINT)


def _bump(plane: _Plane, street: Street, near: float) -> None:
    inside = plane.step(np.float32(street.half_width - 0.1) - np.abs(plane.x))
    band = plane.band(near, near + _BUMP_DEPTH) * inside
    stripes = plane.step(np.float32(0.25) - np.abs(plane.x % np.float32(1.0) - np.float32(0.5)))
    rubber = np.float32(0.03) + stripes * np.float32(0.5)
    colours = np.stack([rubber, rubber * np.float32(0.75), np.full_like(rubber, 0.03)])
    plane.cover(band, colours, _ASPHALT_SUN + 3.0, _ASPHALT_NIGHT - 1.5)
    plane.mask[band >= 0.5] = MaskClass.BUMP


def _write(surfaces: Surfaces, plane: _Plane, world: World) -> None:
    rows, columns = plane.window.slices
    sunlight, skylight = draw_ground_shadows(surfaces.camera, world)
    weather = world.weather
    area = surfaces.channels[:, rows, columns]
    area[: Channel.SUN] = plane.albedo
    cosine = np.float32(weather.toward_sun[1])
    if weather.warming > 0.0:
        walls = WallShade(world).shaded(plane.x + np.float32(world.street.centre), 0.0, plane.z)
        lit = (1.0 - walls) * sunlight[rows, columns]
        area[Channel.SUN] = cosine * lit
        plane.temperature += (
            plane.warming
            * (cosine * np.float32(weather.warming))
            * (np.float32(0.25) + np.float32(0.75) * lit)
        )
    area[Channel.AMBIENT] = skylight[rows, columns]
    area[Channel.TEMPERATURE] = np.float32(weather.air) + plane.temperature
    grazing = plane.z / (plane.z + np.float32(30.0))
    area[Channel.EMISSIVITY] = np.float32(0.95) - np.float32(_GRAZING) * grazing
    area[Channel.GLOW_RED :] = 0.0
    surfaces.depth[rows, columns] = plane.z
    surfaces.mask[rows, columns] = plane.mask
