"""The figures and the images of a report in Markdown, for docs/models.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import cv2

from networks.quality import Rgb
from networks.report import Network, Quality, Report

LEVEL = re.compile(r"-denoise(\d)$")  # at the end of a network's name
JPEG_QUALITY = 90
COLUMNS = 3  # of the table of images

Box = tuple[int, int, int, int]  # left, top, width, height, in pixels


def rows_of(networks: Iterable[Network]) -> list[list[Network]]:
    """The networks by scale; those that differ only in the strength of noise reduction are one row."""
    rows: dict[tuple[int, str], list[Network]] = {}
    for network in sorted(networks, key=lambda each: each.scale):
        rows.setdefault((network.scale, LEVEL.sub("-denoise", network.name)), []).append(network)
    return list(rows.values())


def row_name(row: Sequence[Network]) -> str:
    """`name-denoise0` to `3`, or the name of a single network."""
    first, last = f"`{row[0].name}`", LEVEL.search(row[-1].name)
    return f"{first} to `{last[1]}`" if len(row) > 1 and last else first


def figures_table(report: Report) -> str:
    """The table of figures. Columns without any figure are left out."""
    sizes = list(dict.fromkeys(size for network in report.networks for size in network.rates))
    columns: dict[str, Callable[[Network], float | None]] = {"Set5, dB": set5_of, "clip, dB": clip_of}
    columns |= {f"{size}, frames/s": partial(rate_of, size=size) for size in sizes}
    columns = {title: value for title, value in columns.items() if any(map(value, report.networks))}
    lines = [
        "| network | scale | parameters | " + " | ".join(columns) + " | licence |",
        "|---|---|---|" + "---|" * len(columns) + "---|",
    ]
    scale = 0
    for row in rows_of(report.networks):
        if row[0].scale != scale and row[0].scale in report.bicubic:
            scale = row[0].scale
            lines.append(bicubic_row(scale, report.bicubic[scale], columns))
        cells = [span([value(network) for network in row], title) for title, value in columns.items()]
        cells = [f"x{row[0].scale}", f"{row[0].parameters:,}", *cells, row[0].licence]
        lines.append(f"| {row_name(row)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def set5_of(network: Network) -> float | None:
    return network.quality.set5 if network.quality else None


def clip_of(network: Network) -> float | None:
    return network.quality.clip if network.quality else None


def rate_of(network: Network, size: str) -> float | None:
    rate = network.rates.get(size)
    return rate.frames_per_second if rate else None


def bicubic_row(scale: int, quality: Quality, columns: Iterable[str]) -> str:
    found = {"Set5, dB": quality.set5, "clip, dB": quality.clip}
    cells = [span([found.get(title)], title) for title in columns]
    name = "bicubic" if scale > 1 else "as decoded"
    return f"| {name} | x{scale} | | " + " | ".join(cells) + " | |"


def span(values: Sequence[float | None], title: str) -> str:
    """The lowest and the highest figure, or one if they are the same; a dash if there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    low, high = (figure(value, title) for value in (min(known), max(known)))
    return low if low == high else f"{low} to {high}"


def figure(value: float, title: str) -> str:
    """Decibels with two decimals; rates with one, and of 100 and more with none."""
    decimals = 2 if title.endswith("dB") else 0 if value >= 100 else 1
    return f"{value:.{decimals}f}"


def image_name(network: Network) -> str:
    return f"{network.name}.jpg"


def images_table(report: Report, folder: str) -> str:
    """The images of a report, a table for each scale, as links into `folder`."""
    tables = []
    for scale in sorted({network.scale for network in report.networks}):
        images = {"original": "original.jpg", "bicubic" if scale > 1 else "as decoded": f"bicubic-x{scale}.jpg"}
        rows = [row for row in rows_of(report.networks) if row[0].scale == scale]
        images |= {f"`{row[-1].name}`": image_name(row[-1]) for row in rows}
        cells = [f"![{name.strip('`')}]({folder}/{file})<br>{name}" for name, file in images.items()]
        cells += [""] * (-len(cells) % COLUMNS)
        lines = [f"| x{scale} |" + " |" * (COLUMNS - 1), "|" + "---|" * COLUMNS]
        lines += [f"| {' | '.join(cells[at : at + COLUMNS])} |" for at in range(0, len(cells), COLUMNS)]
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


def shown(networks: Iterable[Network]) -> set[str]:
    """The names of the networks that have an image: of each row the last, with the strongest noise reduction."""
    return {row[-1].name for row in rows_of(networks)}


def save_cut(path: Path, image: Rgb, box: Box) -> None:
    """Write a part of an image as JPEG."""
    left, top, width, height = box
    cut = image[top : top + height, left : left + width]
    cv2.imwrite(str(path), cut[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
