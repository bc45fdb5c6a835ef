"""What may become of a marked picture, on the GPU, with gradients: another size, a turn, tone, blur, noise, JPEG.

Every picture of a batch (n, 3, side, side) in 0..1 has its own attack. `Fate` draws them; `suffer` lets one happen to
the canvas, and brings back what the classical search would: the canonical frame, a little off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

_LUMA_TABLE = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA_TABLE = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 " + "99 " * 32
)


@dataclass(frozen=True)
class Fate:
    """What happens to each of n pictures; None where it happens to none. All on one device.

    `warp` and `error` are (n, 2, 3) affine maps; `size` is how many pixels the canvas measures when it is saved.
    """

    size: int
    warp: Tensor | None = None
    error: Tensor | None = None
    fill: float = 0.0
    brightness: Tensor | None = None  # (n,) factors
    contrast: Tensor | None = None
    gamma: Tensor | None = None
    gray: Tensor | None = None  # (n,) shares of the color that are lost
    blur: Tensor | None = None  # (n,) deviations in pixels
    noise: Tensor | None = None  # (n,) deviations in 0..1
    cover: Tensor | None = None  # (n, 4): left, top, right, bottom in 0..1 of what another picture hides
    quality: Tensor | None = None  # (n,) of JPEG, 100 for none
    name: str = field(default="", compare=False)


def drawn(count: int, side: int, level: float, device: torch.device) -> Fate:
    """Fates at random, the harder the higher the level (0..1). All of a batch are saved at one size, as it must be."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, device=device)

    def some(share: float, values: Tensor, otherwise: float) -> Tensor:
        return torch.where(torch.rand(count, device=device) < share, values, otherwise)

    dice = torch.rand(8).tolist()
    shrunk = 1.0 if dice[0] > 0.5 * level else 2 ** (-2 * dice[1] * level)
    size = max(64, round(side * shrunk / 16) * 16)
    moved = dice[2] < 0.6 * level
    turn = some(0.6, torch.deg2rad(12 * level * uniform(-1, 1)), 0.0)
    zoom = some(0.6, torch.exp(0.35 * level * uniform(-1, 1)), 1.0)
    stretch = some(0.3, torch.exp(0.1 * level * uniform(-1, 1)), 1.0)
    return Fate(
        size=size,
        warp=affine(turn, zoom * stretch, zoom / stretch, 0.1 * level * uniform(-1, 1), 0.1 * level * uniform(-1, 1))
        if moved
        else None,
        error=misjudged(count, level, device) if dice[3] < 0.85 else None,
        fill=float(dice[4] < 0.3),
        brightness=some(0.4, uniform(1 - 0.35 * level, 1 + 0.35 * level), 1.0),
        contrast=some(0.3, uniform(1 - 0.35 * level, 1 + 0.35 * level), 1.0),
        gamma=some(0.2, torch.exp(0.35 * level * uniform(-1, 1)), 1.0) if dice[5] < 0.5 else None,
        gray=some(0.25, uniform(0, 1).round(), 0.0),
        blur=some(0.5, uniform(0.3, 0.3 + 2.0 * level), 0.0) * size / side if dice[6] < 0.5 * level else None,
        noise=some(0.4, uniform(0, 22 / 255 * level), 0.0) if dice[7] < 0.6 else None,
        cover=covers(count, 0.15 * level, device),
        quality=some(0.75 * level, uniform(95 - 72 * level, 95), 100.0),
    )


def affine(turn: Tensor, across: Tensor, down: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Maps of the output's coordinates (-1..1) to the input's: (n, 2, 3)."""
    rows = [torch.stack([across * turn.cos(), -down * turn.sin(), x], 1)]
    rows += [torch.stack([across * turn.sin(), down * turn.cos(), y], 1)]
    return torch.stack(rows, 1)


def misjudged(count: int, level: float, device: torch.device) -> Tensor:
    """The error of the search: a shift of half a canonical pixel, a scale and a turn that reach a pixel at the side."""
    spread = 0.3 + 0.7 * level
    error = torch.randn(count, 5, device=device) * spread
    return affine(
        0.004 * error[:, 0], 1 + 0.004 * error[:, 1], 1 + 0.004 * error[:, 2], 0.004 * error[:, 3], 0.004 * error[:, 4]
    )


def covers(count: int, share: float, device: torch.device) -> Tensor:
    corner, extent = torch.rand(count, 2, device=device), 0.1 + 0.4 * torch.rand(count, 2, device=device)
    extent = extent * (torch.rand(count, 1, device=device) < share)
    return torch.cat([corner, corner + extent], 1)


def suffer(canvas: Tensor, fate: Fate, canonical: int) -> tuple[Tensor, Tensor]:
    """The canonical frame (n, 3, canonical, canonical) that a reader gets, and which of it is in sight (n, 1, ...)."""
    seen = torch.ones_like(canvas[:, :1])
    if fate.warp is not None:
        grid = F.affine_grid(fate.warp, list(canvas.shape), align_corners=False)
        seen = F.grid_sample(seen, grid, align_corners=False)
        canvas = F.grid_sample(canvas, grid, align_corners=False, padding_mode="border")
        canvas = canvas * seen + fate.fill * (1 - seen)
    canvas = resized(canvas, fate.size)
    if fate.cover is not None:
        canvas = covered(canvas, fate.cover)
    canvas = toned(canvas, fate)
    if fate.blur is not None:
        canvas = blurred(canvas, fate.blur)
    if fate.noise is not None:
        canvas = canvas + fate.noise[:, None, None, None] * torch.randn_like(canvas)
    canvas = rounded(canvas.clamp(0, 1))
    if fate.quality is not None:
        canvas = jpeg(canvas, fate.quality)
    canvas, seen = resized(canvas, canonical), resized(seen, canonical)
    back = composed(fate.warp, fate.error)
    if back is not None:
        grid = F.affine_grid(back, list(canvas.shape), align_corners=False)
        seen = F.grid_sample(seen, grid, align_corners=False)
        canvas = F.grid_sample(canvas, grid, align_corners=False, padding_mode="border")
        canvas = canvas * seen + 0.5 * (1 - seen)
    return canvas, seen


def composed(warp: Tensor | None, error: Tensor | None) -> Tensor | None:
    """The inverse of the warp after the error, as one map; None where both are the identity."""
    if warp is None:
        return error
    a, b, c, d = warp[:, 0, 0], warp[:, 0, 1], warp[:, 1, 0], warp[:, 1, 1]
    # Written out: a library's inverse waits for the GPU.
    turned = torch.stack([d, -b, -c, a], 1).view(-1, 2, 2) / (a * d - b * c)[:, None, None]
    shift = -turned @ warp[:, :, 2:]
    if error is None:
        return torch.cat([turned, shift], 2)
    return torch.cat([turned @ error[:, :, :2], turned @ error[:, :, 2:] + shift], 2)


def resized(image: Tensor, side: int) -> Tensor:
    if image.shape[-1] == side:
        return image
    return F.interpolate(image, size=(side, side), mode="bilinear", antialias=side < image.shape[-1])


def rounded(image: Tensor) -> Tensor:
    """To 8 bits; the gradient passes."""
    return image + (torch.round(image.detach() * 255) / 255 - image.detach())


def toned(image: Tensor, fate: Fate) -> Tensor:
    """Brightness, contrast about the mean, gamma, loss of color; what leaves 0..1 is clipped."""
    if fate.brightness is not None:
        image = image * fate.brightness[:, None, None, None]
    if fate.contrast is not None:
        factor = fate.contrast[:, None, None, None]
        image = image * factor + (1 - factor) * image.detach().mean((1, 2, 3), keepdim=True)
    image = image.clamp(0, 1)
    if fate.gamma is not None:
        image = (image + 1e-3).pow(fate.gamma[:, None, None, None])
    if fate.gray is not None:
        luma = 0.299 * image[:, :1] + 0.587 * image[:, 1:2] + 0.114 * image[:, 2:]
        image = torch.lerp(image, luma.expand_as(image), fate.gray[:, None, None, None])
    return image


def covered(image: Tensor, cover: Tensor) -> Tensor:
    """A rectangle of each picture gives way to another of the batch."""
    place = (torch.arange(image.shape[-1], device=image.device) + 0.5) / image.shape[-1]
    x, y = place[None, None, None, :], place[None, None, :, None]
    left, top, right, bottom = (cover[:, side, None, None, None] for side in range(4))
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    return torch.where(inside, image.roll(1, 0).flip(3).detach(), image)


def blurred(image: Tensor, deviation: Tensor) -> Tensor:
    """Gaussian, of another deviation (pixels, up to 3) for each picture."""
    count, channels, height, width = image.shape
    steps = torch.arange(-7, 8, device=image.device)
    kernel = torch.exp(-(steps[None] ** 2) / (2 * deviation[:, None].clamp_min(0.05) ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None, None, :]
    planes = F.pad(image.reshape(1, count * channels, height, width), (7, 7, 7, 7), mode="replicate")
    planes = F.conv2d(F.conv2d(planes, kernel, groups=count * channels), kernel.mT, groups=count * channels)
    return planes.reshape(image.shape)


def jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """JPEG with 4:2:0 at a quality for each picture (1..99; 100: untouched), its rounding passed by the gradient.

    Sides are multiples of 16.
    """
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None] / 100
    tables = _tables(image.device)
    luma_step, chroma_step = ((table[None] * scale).round().clamp(1, 255).view(-1, 1, 1, 1, 8, 8) for table in tables)
    red, green, blue = (image * 255).unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = torch.stack([(blue - luma) * 0.564, (red - luma) * 0.713], 1)
    luma = _coded(luma[:, None] - 128, luma_step)[:, 0] + 128
    chroma = F.interpolate(_coded(F.avg_pool2d(chroma, 2), chroma_step), scale_factor=2.0, mode="bilinear")
    blue_over, red_over = chroma[:, 0] / 0.564, chroma[:, 1] / 0.713
    green = luma - (0.299 * red_over + 0.114 * blue_over) / 0.587
    coded = torch.stack([luma + red_over, green, luma + blue_over], 1) / 255
    coded = rounded(coded.clamp(0, 1))
    return torch.where(quality[:, None, None, None] < 99.5, coded, image)


def _coded(planes: Tensor, step: Tensor) -> Tensor:
    """Planes (n, c, h, w) through the quantized cosine transform of their blocks."""
    count, channels, height, width = planes.shape
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    basis = _cosines(planes.device)
    values = basis @ blocks @ basis.T / step
    values = values + (values.detach().round() - values.detach())
    blocks = basis.T @ (values * step) @ basis
    return blocks.transpose(3, 4).reshape(planes.shape)


@cache
def _tables(device: torch.device) -> list[Tensor]:
    return [
        torch.tensor([float(step) for step in table.split()], device=device) for table in (_LUMA_TABLE, _CHROMA_TABLE)
    ]


@cache
def _cosines(device: torch.device) -> Tensor:
    position = torch.arange(8, device=device)
    basis = torch.cos((2 * position[None] + 1) * position[:, None] * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    return basis


def trials(count: int, side: int, device: torch.device) -> list[Fate]:
    """The fates by which progress is told, the same each time."""

    def all_(value: float) -> Tensor:
        return torch.full((count,), value, device=device)

    zero, one = all_(0.0), all_(1.0)
    turned, slightly = (affine(torch.deg2rad(all_(angle)), one, one, zero, zero) for angle in (10.0, 2.0))
    wider = affine(zero, one / 0.75, one / 0.75, zero, zero)
    return [
        Fate(side, name="none"),
        Fate(side, quality=all_(50.0), name="JPEG 50"),
        Fate(side, quality=all_(30.0), name="JPEG 30"),
        Fate(side, quality=all_(20.0), name="JPEG 20"),
        Fate(side // 4, name="resize 1/4"),
        Fate(side * 3 // 5 // 16 * 16, quality=all_(60.0), name="resize 0.6, JPEG 60"),
        Fate(side, blur=all_(2.0), name="blur 2"),
        Fate(side, noise=all_(20 / 255), name="noise 20"),
        Fate(side, brightness=all_(1.3), name="brightness +30 %"),
        Fate(side, brightness=all_(0.7), name="brightness -30 %"),
        Fate(side, contrast=all_(0.7), name="contrast -30 %"),
        Fate(side, gray=one, quality=all_(70.0), name="gray, JPEG 70"),
        Fate(side, warp=turned, error=misjudged(count, 1.0, device), name="rotate 10"),
        Fate(side, warp=wider, quality=all_(70.0), name="screenshot"),
        Fate(side, warp=slightly, brightness=all_(1.15), quality=all_(70.0), name="rotate 2, bright, JPEG 70"),
    ]
