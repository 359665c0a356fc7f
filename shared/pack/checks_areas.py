"""The areas of regions: GeoJSON that tiles the city. Only `yijian pack check` looks here, so no service needs shapely."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.pack.draft import files_of
from shared.pack.known import Known, retired
from shared.pack.mistakes import Findings
from shared.pack.source import Node, read_text

_LEVELS = {"city": "city", "district": "district", "county": "district", "street": "street", "community": "community"}
"""Districts and counties tile the city together."""
_ABOVE = {"district": "city", "street": "district", "community": "street"}
_SLIVER = 1e-6
"""Of an area: less than this is how coordinates were rounded, not a gap."""
_CODE = re.compile(r'"code"\s*:\s*"')


@dataclass(frozen=True)
class _Area:
    code: str
    shape: Any
    node: Node


def check_areas(folder: Path, known: Known, findings: Findings) -> None:
    """Every file, then level by level: one area a region, none over another, no gap between them."""
    if not (folder / "areas").is_dir():
        return
    before = len(findings.mistakes)
    found = [area for path in files_of(folder, "areas/*.geojson", findings) for area in _read(path, known, findings)]
    if len(findings.mistakes) > before or not known.regions.whole:
        return
    levels: dict[str, dict[str, _Area]] = {}
    for area in found:
        level = _LEVELS.get(known.regions.nodes[area.code].text("level"), "")
        levels.setdefault(level, {})[area.code] = area
    for level, areas in levels.items():
        _everybody_has_one(level, areas, known, findings)
        _no_overlaps(list(areas.values()), findings)
        _no_gaps(areas, levels.get(_ABOVE.get(level, ""), {}), known, findings)


def _read(path: Path, known: Known, findings: Findings) -> Iterator[_Area]:
    """The areas of one file that can be used; the rest is blamed."""
    seen: dict[str, Node] = {}
    for node, feature in _features(path, findings):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        code = properties.get("code") if isinstance(properties, dict) else None
        if not isinstance(code, str):
            findings.mistake(node, "an area without a code", '`"properties": {"code": "990102"}`')
        elif _is_known(code, node, seen, known, findings) and (shape := _shape(code, feature, node, findings)):
            yield _Area(code, shape, node)


def _features(path: Path, findings: Findings) -> Iterator[tuple[Node, Any]]:
    """Each feature with its place."""
    name = path.as_posix()
    blame = findings.blame_in(name)
    text = read_text(path, blame)
    if text is None:
        return
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        blame(getattr(error, "lineno", 0), f"not JSON: {error}", "a GeoJSON FeatureCollection")
        return
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        blame(1, "no FeatureCollection", '`{"type": "FeatureCollection", "features": […]}`')
        return
    lines = [text.count("\n", 0, match.start()) + 1 for match in _CODE.finditer(text)]
    for number, feature in enumerate(features):
        yield Node(name, lines[number] if len(lines) == len(features) else 1), feature


def _is_known(code: str, node: Node, seen: dict[str, Node], known: Known, findings: Findings) -> bool:
    region = known.regions.check(Node(node.file, node.line, code, code), findings)
    earlier = seen.setdefault(code, node)
    if earlier is not node:
        findings.mistake(
            node, f"the area of `{code}` a second time (first line {earlier.line})", "one, a MultiPolygon if need be"
        )
    elif region and retired(region):
        findings.mistake(node, f"the area of `{code}`, which is retired", "areas of regions in use")
    return earlier is node and region is not None and not retired(region)


def _shape(code: str, feature: Mapping[str, Any], node: Node, findings: Findings) -> Any:
    import shapely
    from shapely.geometry import shape

    try:
        found = shape(feature["geometry"])
    except Exception as error:
        findings.mistake(
            node, f"the area of `{code}` cannot be read ({type(error).__name__}: {error})", "a Polygon or MultiPolygon"
        )
        return None
    if found.geom_type not in ("Polygon", "MultiPolygon") or found.is_empty:
        findings.mistake(node, f"the area of `{code}` is a {found.geom_type}", "a Polygon or MultiPolygon")
    elif not found.is_valid:
        findings.mistake(node, f"the area of `{code}`: {shapely.is_valid_reason(found)}", "rings that do not cross themselves")
    elif not _on_earth(found.bounds):
        findings.mistake(node, f"the area of `{code}` is not on earth", "WGS 84: longitude, then latitude, in degrees")
    else:
        return found
    return None


def _on_earth(bounds: tuple[float, float, float, float]) -> bool:
    west, south, east, north = bounds
    return -180 <= west <= east <= 180 and -90 <= south <= north <= 90


def _everybody_has_one(level: str, areas: Mapping[str, _Area], known: Known, findings: Findings) -> None:
    home = next(iter(areas.values())).node.file
    for code, region in known.regions.nodes.items():
        if _LEVELS.get(region.text("level")) == level and not retired(region) and code not in areas:
            findings.mistake(
                Node(home, 0), f"no area of `{code}` ({region.text('name', 'zh') or region.text('name', 'en')})", "one"
            )


def _no_overlaps(areas: list[_Area], findings: Findings) -> None:
    from shapely import STRtree

    tree = STRtree([area.shape for area in areas])
    for number, area in enumerate(areas):
        for other in sorted(int(found) for found in tree.query(area.shape) if found > number):
            common = area.shape.intersection(areas[other].shape)
            if common.area > _SLIVER * min(area.shape.area, areas[other].shape.area):
                found = f"the areas of `{area.code}` and `{areas[other].code}` overlap near {_where(common)}"
                findings.mistake(areas[other].node, found, "a border that both have in common")


def _no_gaps(areas: Mapping[str, _Area], above: Mapping[str, _Area], known: Known, findings: Findings) -> None:
    """Within what they tile, where its area is drawn; else no hole in all of them together."""
    from shapely import unary_union

    if not above:
        whole = unary_union([area.shape for area in areas.values()])
        for polygon in getattr(whole, "geoms", [whole]):
            for hole in polygon.interiors:
                node = Node(next(iter(areas.values())).node.file, 0)
                findings.mistake(node, f"a gap near {_where(hole)}", "areas that touch")
    for code, parent in above.items():
        own = [area for child, area in areas.items() if known.regions.nodes[child].text("parent") == code]
        _tiles(code, parent, own, findings)


def _tiles(code: str, parent: _Area, children: list[_Area], findings: Findings) -> None:
    from shapely import unary_union

    if not children:
        return
    together = unary_union([area.shape for area in children])
    missing, beyond = parent.shape.difference(together), together.difference(parent.shape)
    if missing.area > _SLIVER * parent.shape.area:
        findings.mistake(Node(children[0].node.file, 0), f"a gap in `{code}` near {_where(missing)}", "areas that fill it")
    if beyond.area > _SLIVER * parent.shape.area:
        over = max(children, key=lambda area: float(area.shape.difference(parent.shape).area))
        findings.mistake(
            over.node, f"the area of `{over.code}` leaves `{code}` near {_where(beyond)}", "an area inside its parent's"
        )


def _where(shape: Any) -> str:
    point = shape.representative_point() if shape.geom_type != "LinearRing" else shape.centroid
    return f"{point.x:.4f}, {point.y:.4f}"
