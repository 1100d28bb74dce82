"""The scene of the sample clip, drawn full size: the clip is a smaller copy of `originals()`.

Lengths and positions are in pixels of the original. Each layer is a premultiplied RGBA canvas, SCALE times as fine,
that slides at its own pace. The lettering needs the built-in outline font of OpenCV 5.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Canvas = NDArray[np.uint8]
Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 640, 360
SHRINK = 2  # from the original to the clip
FRAMES, RATE = 60, 24

SCALE = 4  # canvas pixels to a pixel of the original, each way
SUBPIXEL_BITS = 4  # of the coordinates that OpenCV draws at
SEED = 7
GORES = 16

SUN, SUN_RADIUS = (352.0, 158.0), 50.0
MILL_HUB, MILL_FOOT = (536.0, 157.0), 246.0
BALLOON, BALLOON_RADIUS = (594.0, 54.0), 34.0
PACE_SKY, PACE_PEAKS, PACE_HILLS, PACE_FIELD, PACE_MEADOW = 1, 2, 3, 5, 7  # canvas pixels a frame

SKY = {0: (24, 30, 72), 110: (78, 64, 122), 190: (226, 128, 122), 250: (255, 206, 150)}  # by height
SUMMITS = {0: 190, 70: 138, 130: 196, 190: 152, 262: 214, 330: 196, 400: 214, 470: 150, 540: 204, 610: 140, 680: 190}
CREAM, GOLD, CORAL, TEAL, INK = (255, 244, 220), (255, 214, 140), (226, 92, 84), (44, 122, 132), (28, 24, 52)


def originals() -> Iterator[NDArray[np.uint8]]:
    """The full-size frames in order: FRAMES of (HEIGHT, WIDTH, 3) uint8, RGB, 0 to 255."""
    far = ((_sky(), PACE_SKY), (_peaks(), PACE_PEAKS), (_hills(), PACE_HILLS), (_field(), PACE_FIELD))
    near = ((_meadow(), PACE_MEADOW), (_lettering(), 0))
    for index in range(FRAMES):
        image = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        for layer, pace in (*far, (_movers(index), 0), *near):
            image = _over(image, layer, index * pace)
        yield image.round().clip(0, 255).astype(np.uint8)


def _over(image: NDArray[np.float32], layer: Canvas, start: int) -> NDArray[np.float32]:
    """Composite the window of `layer` that begins at canvas column `start` over `image`, (H, W, 3)."""
    window = layer[:, start : start + WIDTH * SCALE].astype(np.float32)
    small = cv2.resize(window, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small[..., :3] + image * (1 - small[..., 3:] / 255), np.float32)


# Pens


def _canvas(pace: int) -> Canvas:
    return np.zeros((HEIGHT * SCALE, WIDTH * SCALE + FRAMES * pace, 4), np.uint8)


def _fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Positions, (..., 2), as the fixed-point canvas coordinates that OpenCV takes."""
    return ((np.asarray(points) * SCALE - 0.5) * (1 << SUBPIXEL_BITS)).round().astype(np.int32)


def _fill(canvas: Canvas, points: ArrayLike, colour: Colour) -> None:
    cv2.fillPoly(canvas, [_fixed(points)], (*colour, 255), cv2.LINE_AA, SUBPIXEL_BITS)


def _line(canvas: Canvas, points: ArrayLike, colour: Colour, width: float = 0.75) -> None:
    thickness = max(1, round(width * SCALE))
    cv2.polylines(canvas, [_fixed(points)], False, (*colour, 255), thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _dot(canvas: Canvas, place: ArrayLike, radius: float, colour: Colour) -> None:
    x, y = _fixed(place).tolist()
    size = round(radius * SCALE * (1 << SUBPIXEL_BITS))
    cv2.circle(canvas, (x, y), size, (*colour, 255), -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


# Layers


def _sky() -> Canvas:
    canvas = _canvas(PACE_SKY)
    y, x = ((np.indices(canvas.shape[:2]) + 0.5) / SCALE).astype(np.float32)
    channels = np.array(list(SKY.values())).T
    colour = np.stack([np.interp(y[:, :1], list(SKY), channel) for channel in channels], -1)
    beyond = np.hypot(x - SUN[0], y - SUN[1]) - SUN_RADIUS
    glow = np.exp(-beyond.clip(0) / 60)
    ring = (np.abs(beyond % 6 - 3) < 0.4) * np.exp(-beyond.clip(0) / 110) * 0.5
    groove = (np.abs((-beyond) % 4 - 2) < 0.5) * 0.45
    light = np.where(beyond < 0, 1 - groove * (beyond < -3), np.maximum(glow * 0.45, ring + glow * 0.3))[..., None]
    halo = np.where(beyond < 0, 1.0, 0.55)[..., None]
    warm = np.array(CREAM) * halo + np.array(GOLD) * (1 - halo)
    canvas[..., :3] = (colour + (warm - colour) * light).round()
    canvas[..., 3] = 255
    _stars(canvas)
    return canvas


def _stars(canvas: Canvas) -> None:
    rng = np.random.default_rng(SEED)
    for x, y, size in rng.random((150, 3)) * (WIDTH + 20, 130, 1):
        if np.hypot(x - SUN[0], y - SUN[1]) < 2.2 * SUN_RADIUS or (x < 300 and y > 20):
            continue
        _dot(canvas, (x, y), 0.3 + 0.5 * size**3, _mix((150, 140, 190), CREAM, size))
        if size > 0.93:
            _line(canvas, [(x - 4, y), (x + 4, y)], CREAM, 0.5)
            _line(canvas, [(x, y - 4), (x, y + 4)], CREAM, 0.5)


def _slope(canvas: Canvas, ridge: Floats, top: Colour, foot: Colour, fade: float) -> None:
    """Fill below `ridge`, a height to each canvas column, going from `top` to `foot` in `fade` pixels."""
    depth = (np.arange(canvas.shape[0])[:, None] + 0.5) / SCALE - ridge
    share = (depth / fade).clip(0, 1)[..., None]
    inside = depth > 0
    canvas[inside, :3] = (np.array(top) + (np.array(foot, float) - top) * share)[inside].round()
    canvas[inside, 3] = 255


def _columns(canvas: Canvas) -> Floats:
    """The position of each column of the canvas, in pixels of the original."""
    return (np.arange(canvas.shape[1]) + 0.5) / SCALE


def _peaks() -> Canvas:
    canvas = _canvas(PACE_PEAKS)
    x = _columns(canvas)
    rng = np.random.default_rng(SEED)
    knots = np.array(list(SUMMITS.items()))
    ridge = np.interp(x, knots[:, 0], knots[:, 1])
    for step in (24, 9, 4):
        ridge += np.interp(x, np.arange(0, 800, step), rng.normal(0, step / 9, -(-800 // step)))
    _slope(canvas, ridge, (98, 74, 128), (224, 140, 140), 120)
    downhill = np.interp(x, knots[:-1, 0] + np.diff(knots[:, 0]) / 2, np.sign(np.diff(knots[:, 1])))
    for column in range(0, len(x), round(2.25 * SCALE)):
        side = np.sign(downhill[column])
        start, length = np.array((x[column], ridge[column] + 1.0)), rng.uniform(10, 44)
        shade = (66, 50, 104) if (x[column] - SUN[0]) * side > 0 else (236, 164, 152)
        bend = rng.uniform(0.5, 0.8) * side
        _line(canvas, [start, start + (bend * length * 0.4, length * 0.6), start + (bend * length, length)], shade, 0.5)
    return canvas


def _hills() -> Canvas:
    canvas = _canvas(PACE_HILLS)
    x = _columns(canvas)
    for base, reach, phase, top, foot in (
        (216, 12, 0.4, (118, 92, 140), (196, 132, 138)),
        (234, 11, 2.6, (70, 84, 126), (140, 118, 136)),
        (250, 9, 4.4, (40, 84, 108), (74, 112, 120)),
    ):
        ridge = base + reach * np.sin(x / 67 + phase) + 0.4 * reach * np.sin(x / 29 + 2 * phase)
        _slope(canvas, ridge, top, foot, 60)
        for step in range(1, 14):
            curve = ridge * (1 - step / 40) + (base + 40) * step / 40 + 2.2 * step + 0.05 * step * np.sin(x / 9 + step)
            _line(canvas, np.stack([x, curve], -1)[::SCALE], _mix(top, GOLD, 0.42 - step * 0.022), 0.5)
    return canvas


def _field() -> Canvas:
    """Rows of lavender that run to a vanishing point, and the windmill's tower."""
    canvas = _canvas(PACE_FIELD)
    rng = np.random.default_rng(SEED)
    x = _columns(canvas)
    ridge = 262 - 22 * np.exp(-(((x - MILL_HUB[0] - 20) / 130) ** 2)) + 5 * np.sin(x / 55)
    _slope(canvas, ridge, (58, 92, 92), (38, 60, 74), 60)
    for depth in np.geomspace(2, 110, 100):
        for row in np.arange(-60, 61):
            place = 330 + row * (5 + depth * 0.42) + rng.normal(0, 0.2 + depth / 90)
            column = round(place * SCALE)
            if 0 <= column < len(x):
                tuft = np.array((place, ridge[column] + depth + rng.normal(0, 0.3)))
                colour = _mix((120, 84, 168), (206, 150, 214), rng.random())
                height = 1.2 + depth * 0.07
                _line(canvas, [tuft, tuft + (rng.normal(0, height / 4), -height)], colour, 0.4 + depth / 90)
    _mill(canvas)
    return canvas


def _mill(canvas: Canvas) -> None:
    """The windmill without its sails, which rotate."""
    x, hub = MILL_HUB
    _fill(canvas, [(x - 21, MILL_FOOT), (x - 12, hub), (x + 12, hub), (x + 21, MILL_FOOT)], (244, 226, 206))
    _fill(canvas, [(x + 4, MILL_FOOT), (x + 3, hub), (x + 12, hub), (x + 21, MILL_FOOT)], (190, 154, 164))
    for course, y in enumerate(np.arange(hub + 4, MILL_FOOT, 3.0)):
        half = 12 + 9 * (y - hub) / (MILL_FOOT - hub)
        _line(canvas, [(x - half, y), (x + half, y)], (176, 136, 148), 0.25)
        for brick in np.arange(x - half + 3 + 3 * (course % 2), x + half - 1, 6):
            _line(canvas, [(brick, y), (brick, y + 3)], (176, 136, 148), 0.25)
    cap = [(x + 15 * np.cos(turn), hub + 1 - 17 * np.sin(turn)) for turn in np.linspace(0, np.pi, 40)]
    _fill(canvas, cap, CORAL)
    for rib in np.linspace(-12, 12, 9):
        _line(canvas, [(x + rib, hub + 1), (x + rib * 0.35, hub - 15)], (150, 54, 66), 0.4)
    for y in (hub + 26, hub + 52):
        _fill(canvas, [(x - 6, y - 6), (x, y - 6), (x, y + 5), (x - 6, y + 5)], INK)
        _fill(canvas, [(x - 5, y - 5), (x - 1, y - 5), (x - 1, y + 4), (x - 5, y + 4)], GOLD)
        _line(canvas, [(x - 3, y - 5), (x - 3, y + 4)], INK, 0.5)
        _line(canvas, [(x - 6, y), (x, y)], INK, 0.5)


def _meadow() -> Canvas:
    """The foreground: grass, poppies, a fence and a tree in blossom."""
    canvas = _canvas(PACE_MEADOW)
    rng = np.random.default_rng(SEED)
    x = _columns(canvas)
    ridge = 330 + 7 * np.sin(x / 90 + 1)
    _branch(canvas, rng, np.array((118.0, 340.0)), -np.pi / 2, 40.0, 6.5)
    posts = np.arange(190, 800, 26)
    tops = np.interp(posts, x, ridge)
    for drop in (-22, -14):
        _line(canvas, np.stack([posts, tops + drop + rng.normal(0, 0.5, len(posts))], -1), (62, 44, 66), 1.25)
    for post, top in zip(posts, tops, strict=True):
        _line(canvas, [(post, top + 8), (post + rng.normal(0, 0.8), top - 29)], (48, 34, 58), 2.5)
    _slope(canvas, ridge, (26, 52, 60), (14, 24, 42), 30)
    strokes = rng.random((3000, 5)) * (x[-1], 40, 1, 1, 1)
    for root, drop, height, lean, tint in strokes[strokes[:, 1].argsort()]:
        base = np.array((root, ridge[int(root * SCALE)] + drop))
        tip = base + ((lean - 0.4) * 9, -(5 + 13 * height**2))
        colour = _mix((18, 48, 58), (126, 164, 92), tint**2 * (1 - drop / 60))
        _fill(canvas, [base - (0.6, 0), base * 0.5 + tip * 0.5 - ((lean - 0.4) * 2, 0), tip, base + (0.6, 0)], colour)
        if tint > 0.965:
            _dot(canvas, tip, 1.0 + height, CORAL if lean > 0.4 else GOLD)
    return canvas


def _branch(canvas: Canvas, rng: np.random.Generator, foot: Floats, angle: float, length: float, width: float) -> None:
    tip = foot + length * np.array((np.cos(angle), np.sin(angle)))
    _line(canvas, [foot, tip], (36, 26, 50), width)
    if length < 4:
        if rng.random() < 0.45:
            _dot(canvas, tip, rng.uniform(0.7, 1.5), _mix(CORAL, GOLD, rng.random()))
        return
    for turn in (-0.42, 0.36) if length > 7 else (-0.5, 0.02, 0.5):
        shrink = rng.uniform(0.68, 0.86)
        _branch(canvas, rng, tip, angle + turn + rng.normal(0, 0.14), length * shrink, max(0.5, width * 0.68))


def _lettering() -> Canvas:
    canvas = _canvas(0)
    font = cv2.FontFace("sans")
    sizes = f"drawn at {WIDTH} \u00d7 {HEIGHT}, shown at {WIDTH // SHRINK} \u00d7 {HEIGHT // SHRINK}"
    for text, size, weight, x, y, colour in (
        ("uprez", 66, 500, 30, 76, CREAM),
        ("fine lines, small letters, slow motion", 14, 400, 33, 108, CREAM),
        (sizes, 9, 400, 33, 124, GOLD),
    ):
        cv2.putText(canvas, text, (x * SCALE, y * SCALE), (*colour, 255), font, size * SCALE, weight)
    return canvas


# Moving objects


def _movers(index: int) -> Canvas:
    canvas = _canvas(0)
    _sails(canvas, (MILL_HUB[0] - index * PACE_FIELD / SCALE, MILL_HUB[1] - 2), 0.3 + index * 0.026)
    _balloon(canvas, (BALLOON[0] - index * 0.3, BALLOON[1] + 3 * np.cos(index / 14)), index * 0.012)
    span = np.linspace(-1, 1, 25)
    for bird, (x, y) in enumerate(((236, 150), (254, 140), (270, 147), (286, 131), (300, 141))):
        lift = 4.5 * np.sin(index * 0.55 + bird * 1.3)
        body = np.array((x + index * 0.8, y - index * 0.3))
        wings = np.stack([8 * span, -2.6 * np.sin(np.pi * np.abs(span)) - lift * span**2], -1)
        _line(canvas, body + wings * (1 - bird * 0.07), INK, 1.0)
    return canvas


def _sails(canvas: Canvas, hub: tuple[float, float], angle: float) -> None:
    laths = [((0, 0), (58, 0)), *(((10, side), (57, side)) for side in (3.5, 7.0, 10.5))]
    laths += [((step, -1.5), (step, 10.5)) for step in np.linspace(10, 57, 17)]
    for quarter in range(4):
        turn = angle + quarter * np.pi / 2
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        for index, lath in enumerate(laths):
            _line(canvas, lath @ axes + hub, INK, 0.5 if index else 1.5)
    _dot(canvas, hub, 3, INK)


def _balloon(canvas: Canvas, centre: tuple[float, float], turn: float) -> None:
    """A balloon of GORES strips of cloth, each between two meridians of its envelope; half are hidden."""
    x, y = centre
    fall = np.linspace(0, 1, 48)
    reach = BALLOON_RADIUS * np.where(fall < 0.7, np.sin(fall / 0.7 * 2.2), np.sin(2.2) * (1.2 - fall) / 0.5)
    drop = y - BALLOON_RADIUS + 2.5 * BALLOON_RADIUS * fall**1.35
    mouth = drop[-1]
    for rope in (-1.0, -0.4, 0.4, 1.0):
        _line(canvas, [(x + rope * reach[-1], mouth), (x + rope * 5, mouth + 12)], INK, 0.4)
    for gore in range(GORES):
        facing = (turn + gore * 2 * np.pi / GORES + np.pi) % (2 * np.pi) - np.pi
        meridians = (facing + np.array((-1, 0, 1)) * np.pi / GORES).clip(-np.pi / 2, np.pi / 2)
        left, middle, right = np.sin(meridians).tolist()
        if right - left > 1e-3:
            edges = [np.stack([x + reach * side, drop], -1) for side in (left, right)]
            _fill(canvas, np.concatenate([edges[0], edges[1][::-1]]), (CORAL, CREAM, TEAL, CREAM)[gore % 4])
            for band in (14, 19, 24):
                corners = ((band, middle), (band + 2, right), (band + 4, middle), (band + 2, left))
                diamond = [(x + reach[row] * side, drop[row]) for row, side in corners]
                _fill(canvas, diamond, (GOLD, CORAL, INK, TEAL)[gore % 4])
            _line(canvas, edges[1], INK, 0.25)
    basket = [(x - 5.5, mouth + 12), (x + 5.5, mouth + 12), (x + 4.5, mouth + 20), (x - 4.5, mouth + 20)]
    _fill(canvas, basket, (150, 92, 70))
    for weave in range(1, 8):
        _line(canvas, [(x - 5, mouth + 12 + weave), (x + 5, mouth + 12 + weave)], (92, 52, 56), 0.25)
        _line(canvas, [(x - 5.5 + weave * 1.4, mouth + 12), (x - 4.8 + weave * 1.2, mouth + 20)], (214, 158, 110), 0.5)
