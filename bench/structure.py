"""How the tree is built: its places, its floors and the imports between them, counted from the imports.

    python bench/structure.py [--lines] [--arrows]

Run it in a checkout's root. It reads the Python files that git tracks there, without tests/. A place is a file or a
folder with Python directly in the root or directly in pipeline/ (whose __init__.py is none). An arrow leads from a
place to another one that any of its files imports, at its top or inside a function. Inside judge/ and deploys/ the
same holds for what stands directly in them, the __init__.py included.

A place stands one floor above the highest place that it imports. Where places import each other in a circle, as few
arrows as possible are left out to open it: those are the arrows that run upward.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

Arrow = tuple[str, str]


def main() -> None:
    """Print the table; with options also what it is counted from."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lines", action="store_true", help="also the lines of each folder's Python files, tests included"
    )
    parser.add_argument("--arrows", action="store_true", help="also each place's floor and imports")
    options = parser.parse_args()
    everything = tracked_files()
    files = [path for path in everything if path.parts[0] != "tests"]
    imports = {path: set(imported_files(path, files)) for path in files}
    places = {path: top_place(path) for path in files}
    arrows = arrows_between(places, imports)
    upward = upward_arrows(arrows)
    floors = dict.fromkeys(filter(None, places.values()), 1) | floors_of(arrows - upward)
    print("| | |\n|---|---|")
    print(f"| places at the top and in `pipeline/` (files and folders) | {len(floors)} |")
    print(f"| floors (a place stands above all that it imports) | {max(floors.values())} |")
    print(f"| import arrows between places | {len(arrows)} |")
    print(f"| arrows that run from a lower floor to a higher one | {len(upward)} |")
    for folder in (Path("pipeline/judge"), Path("deploys")):
        within = arrows_between({path: place_in(folder, path) for path in files}, imports)
        height = max(floors_of(within - upward_arrows(within)).values(), default=0)
        print(f"| floors inside {folder.name}/ | {height} |")
    if options.arrows:
        print()
        for place in sorted(floors, key=lambda place: (-floors[place], place)):
            below = sorted(other for one, other in arrows if one == place)
            print(f"{floors[place]:2}  {place}: {', '.join(below)}")
        print("upward:", ", ".join(" -> ".join(arrow) for arrow in sorted(upward)) or "none")
    if options.lines:
        lines = Counter[str]()
        for path in everything:
            lines[str(path.parent)] += len(path.read_text(encoding="utf-8").splitlines())
        print()
        for name, count in sorted(lines.items()):
            print(f"{count:7}  {name}")
        print(f"{lines.total():7}  in all")


def tracked_files() -> list[Path]:
    """The Python files of the tree, relative to its root."""
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True).stdout
    paths = [Path(line) for line in listed.splitlines()]
    return [path for path in paths if path.is_file()]


def imported_files(path: Path, files: list[Path]) -> Iterator[Path]:
    """The files of the tree that `path` imports, wherever in it: a module, or the package that a name is taken from."""
    known = set(files)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            # The longest part of the name that is a file: the rest is a name inside that file.
            for length in range(len(parts), 0, -1):
                stem = Path(*parts[:length])
                found = {stem.with_suffix(".py"), stem / "__init__.py"} & known
                if found:
                    yield from found
                    break


def top_place(path: Path) -> str:
    """The place of a file in the root or in pipeline/; empty for pipeline/__init__.py."""
    if path.parts[0] != "pipeline":
        return path.parts[0]
    return "" if path.name == path.parts[1] == "__init__.py" else place_in(Path("pipeline"), path)


def place_in(folder: Path, path: Path) -> str:
    """What `path` is directly inside `folder`: a file, or the folder that it stands in; empty for what is elsewhere."""
    if not path.is_relative_to(folder):
        return ""
    return str(folder / path.relative_to(folder).parts[0])


def arrows_between(places: Mapping[Path, str], imports: Mapping[Path, set[Path]]) -> set[Arrow]:
    """Which place imports which other one."""
    found = {(places[path], places[other]) for path, others in imports.items() for other in others}
    return {(one, other) for one, other in found if one and other and one != other}


def upward_arrows(arrows: set[Arrow]) -> set[Arrow]:
    """The fewest arrows without which no place imports itself by way of others; of several such sets the one that
    leaves the most floors."""
    circling = set(arrows)
    while True:  # an arrow to a place that imports nothing, or from one that nothing imports, is in no circle
        from_places, to_places = {one for one, _ in circling}, {other for _, other in circling}
        inner = {(one, other) for one, other in circling if one in to_places and other in from_places}
        if inner == circling:
            break
        circling = inner
    for count in range(len(circling) + 1):
        choices = [set(chosen) for chosen in itertools.combinations(sorted(circling), count)]
        if opening := [chosen for chosen in choices if is_open(circling - chosen)]:
            return max(opening, key=lambda chosen: max(floors_of(arrows - chosen).values(), default=0))
    return circling


def is_open(arrows: set[Arrow]) -> bool:
    """Whether no arrow is part of a circle."""
    while arrows:
        from_places = {one for one, _ in arrows}
        left = {(one, other) for one, other in arrows if other in from_places}
        if left == arrows:
            return False
        arrows = left
    return True


def floors_of(arrows: set[Arrow]) -> dict[str, int]:
    """The floor, from 1, of each place that imports or is imported; `arrows` have no circle."""
    floors = dict.fromkeys(itertools.chain.from_iterable(arrows), 1)
    for _ in range(len(floors)):
        for one, other in arrows:
            floors[one] = max(floors[one], floors[other] + 1)
    return floors


if __name__ == "__main__":
    main()
