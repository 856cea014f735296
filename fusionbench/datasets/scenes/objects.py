"""Paints each thing by its kind and keeps a register of what will be boxed."""

from __future__ import annotations

import numpy as np

from fusionbench.datasets.scenes.annotation import Painted
from fusionbench.datasets.scenes.camera import NEAREST
from fusionbench.datasets.scenes.cars import draw_car
from fusionbench.datasets.scenes.chassis import Chassis
from fusionbench.datasets.scenes.furniture import paint_car_stop, paint_cone, paint_guardrail, paint_lamp
from fusionbench.datasets.scenes.heavy_vehicles import draw_bus, draw_truck
from fusionbench.datasets.scenes.motorcycles import paint_motorcycle, paint_rider
from fusionbench.datasets.scenes.people import paint_person
from fusionbench.datasets.scenes.shadows import WallShade
from fusionbench.datasets.scenes.surfaces import Surfaces
from fusionbench.datasets.scenes.vegetation import paint_tree
from fusionbench.datasets.scenes.weather import Weather
from fusionbench.datasets.scenes.world import CarStop, Cone, Guardrail, LampPost, Person, Thing, Tree, Vehicle


class Painter:
    """Paints things in the order given and numbers those that get boxes.

    Args:
        surfaces: Where to paint.
        weather: Sun and air.
        shade: Where walls keep the sun away.
    """

    def __init__(self, surfaces: Surfaces, weather: Weather, shade: WallShade) -> None:
        self.painted: dict[int, Painted] = {}
        self._surfaces = surfaces
        self._weather = weather
        self._shaded_weather = weather.in_shade()
        self._shade = shade

    def paint(self, thing: Thing) -> None:
        """Paint one thing over what is there."""
        if isinstance(thing, Vehicle):
            self._vehicle(thing, self._weather_at(thing.x, 0.8, thing.z))
        elif isinstance(thing, Person):
            weather = self._weather_at(thing.x, 1.0, thing.z)
            self._register("People", paint_person(self._surfaces, thing, weather, self._next))
        elif isinstance(thing, LampPost):
            self._register("Lamp", paint_lamp(self._surfaces, thing, self._weather, self._next))
        else:
            self._unboxed(thing)

    def _unboxed(self, thing: Tree | Cone | CarStop | Guardrail) -> None:
        if isinstance(thing, Tree):
            paint_tree(self._surfaces, thing, self._weather_at(thing.x, thing.height, thing.z))
        elif isinstance(thing, Cone):
            paint_cone(self._surfaces, thing, self._weather_at(thing.x, 0.3, thing.z))
        elif isinstance(thing, CarStop):
            paint_car_stop(self._surfaces, thing, self._weather_at(thing.x, 0.1, thing.z))
        else:
            paint_guardrail(self._surfaces, thing, self._weather_at(thing.x, 0.5, thing.near))

    def _vehicle(self, vehicle: Vehicle, weather: Weather) -> None:
        if vehicle.kind == "motorcycle":
            self._register("Motorcycle", paint_motorcycle(self._surfaces, vehicle, weather, self._next))
            self._register("People", paint_rider(self._surfaces, vehicle, weather, self._next))
            return
        if vehicle.z <= NEAREST:
            return
        chassis = Chassis(self._surfaces, vehicle, weather)
        draw = {"bus": draw_bus, "truck": draw_truck}.get(vehicle.kind, draw_car)
        draw(chassis)
        label = {"bus": "Bus", "truck": "Truck"}.get(vehicle.kind, "Car")
        self._register(label, chassis.sprite.put(self._next))

    def _weather_at(self, x: float, y: float, z: float) -> Weather:
        """The weather with or without the sun, by whether a wall is in its way."""
        if self._weather.warming <= 0.0:
            return self._weather
        point = [np.full((1, 1), value, dtype=np.float32) for value in (x, z)]
        in_shade = float(self._shade.shaded(point[0], y, point[1])[0, 0]) > 0.5
        return self._shaded_weather if in_shade else self._weather

    @property
    def _next(self) -> int:
        return len(self.painted) + 1

    def _register(self, label: str, pixels: int) -> None:
        self.painted[self._next] = Painted(label, pixels)
