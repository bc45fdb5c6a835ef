"""The two networks of the neural watermark, and how visible what they add may be.

Both are convolutions alone, so that they take pictures of any size whose sides are multiples of 8. A picture is seen in
its canonical frame (longest side 512), and each cell of 8 by 8 canonical pixels carries one bit. The encoder starts as
spread spectrum, with one waveform a cell, and learns what to add to that where; the decoder starts from high passes and
gradients without outliers, since an absolute level means nothing to it (and half precision would drown the mark in it).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn

CELL = 8  # canonical pixels


def luma_blue(image: Tensor) -> Tensor:
    """(n, 3, h, w) in 0..1 to luma and blue over luma (n, 2, h, w), in gray levels.

    No convolution does this, since one would run in half precision.
    """
    red, green, blue = (image * 255).split(1, 1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.cat([luma, blue - luma], 1)


class Residual(nn.Module):
    """Two convolutions whose sum is added; the second starts at zero, which takes the place of a normalization."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, values: Tensor) -> Tensor:
        return values + self.second(F.gelu(self.first(F.gelu(values))))


class Encoder(nn.Module):
    """A picture (n, 3, h, w) in 0..1 and its cells' bits (n, 1, h / 8, w / 8), -1 or 1: the wave to add to luma and to
    blue over luma (n, 2, h, w), each of unit variance over the picture, to be multiplied by what the place allows."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width // 2, 5, 2, 2)
        self.quarter = nn.Sequential(nn.GELU(), nn.Conv2d(width // 2, width, 3, 2, 1), Residual(width))
        self.eighth = nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.said = nn.Conv2d(1, width, 3, 1, 1)
        self.join = nn.Conv2d(3 * width, 2 * width, 1)
        self.deep = nn.Sequential(Residual(2 * width), Residual(2 * width))
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1), nn.PixelShuffle(2))
        self.fine = nn.Sequential(Residual(width), Residual(width), nn.GELU())
        self.change = nn.Sequential(nn.Conv2d(width, 2 * 16, 3, 1, 1), nn.PixelShuffle(4))
        self.gain = nn.Conv2d(width, 2, 3, 1, 1)
        self.carrier = nn.ConvTranspose2d(1, 2, 3 * CELL, CELL, CELL, bias=False)
        self.carrier.weight.data = carriers(torch.Generator().manual_seed(1))
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)
        self.change[0].weight.data.mul_(0.1)
        tent = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
        self.register_buffer("smooth", (tent[:, None] * tent[None] / 256).repeat(2, 1, 1, 1))

    def forward(self, image: Tensor, bits: Tensor) -> Tensor:
        quarter = self.quarter(self.stem(2 * image - 1))
        eighth = torch.cat([F.gelu(self.eighth(quarter)), F.gelu(self.said(bits))], 1)
        fine = self.fine(quarter + self.up(self.deep(self.join(eighth))))
        gain = F.interpolate(2 * torch.sigmoid(self.gain(fine)), scale_factor=4.0, mode="bilinear")
        wave = F.conv2d(self.change(fine), self.smooth, padding=2, groups=2) + gain * self.carrier(bits)
        wave = wave.float()
        wave = wave / torch.sqrt(wave.square().mean((2, 3), keepdim=True) + 1e-6)
        return 3 * torch.tanh(wave / 3)


def carriers(generator: torch.Generator) -> Tensor:
    """One waveform a channel (1, 2, 24, 24): noise between 0.04 and 0.16 cycles a pixel, faded out to its sides."""
    side = 3 * CELL
    wave = torch.fft.fftfreq(side)
    frequency = torch.hypot(wave[:, None], wave[None])
    noise = torch.fft.fft2(torch.randn(1, 2, side, side, generator=generator))
    band = torch.fft.ifft2(noise * ((frequency > 0.04) & (frequency < 0.16))).real
    fade = torch.hann_window(side, periodic=False)
    band = band * fade[:, None] * fade[None]
    band = band - band.mean((2, 3), keepdim=True)
    return band / band.square().sum((2, 3), keepdim=True).sqrt() * CELL


class Decoder(nn.Module):
    """A picture (n, 3, h, w) in 0..1: the log odds that each cell's bit is 1 (n, 1, h / 8, w / 8)."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Conv2d(9, width // 2, 5, 2, 2)
        self.quarter = nn.Sequential(nn.GELU(), nn.Conv2d(width // 2, width, 3, 2, 1), Residual(width), Residual(width))
        self.eighth = nn.Sequential(
            nn.GELU(), nn.Conv2d(width, 2 * width, 3, 2, 1), *(Residual(2 * width) for _ in range(3)), nn.GELU()
        )
        self.bits = nn.Conv2d(2 * width, 1, 1)
        # What the encoder's carriers are read by from the first step on; the rest learns what this misses.
        self.matched = nn.Conv2d(9, 1, 3 * CELL, CELL, CELL, bias=False)
        self.matched.weight.data.mul_(0.1)
        self.matched.weight.data[:, 2:4] += 0.05 * carriers(torch.Generator().manual_seed(1))

    def forward(self, image: Tensor) -> Tensor:
        maps = features(image)
        logits: Tensor = self.bits(self.eighth(self.quarter(self.stem(maps)))) + self.matched(maps)
        return logits.float()


def features(image: Tensor) -> Tensor:
    """Luma and blue over luma as nine maps near unit scale (n, 9, h, w): high passes, gradients, and a plain view."""
    levels = luma_blue(image)
    high = levels - F.avg_pool2d(levels, 9, 1, 4, count_include_pad=False)
    across = F.pad(levels[..., :, 1:] - levels[..., :, :-1], (0, 1, 0, 0))
    down = F.pad(levels[..., 1:, :] - levels[..., :-1, :], (0, 0, 0, 1))
    return torch.cat(
        [high.clamp(-12, 12) / 4, high.clamp(-3, 3) / 2, across.clamp(-4, 4) / 2, down.clamp(-4, 4) / 2,
         levels[:, :1] / 128 - 1], 1
    )  # fmt: skip


def rooms(image: Tensor) -> Tensor:
    """How much mark each place bears, luma and blue (n, 2, h, w), in gray levels (RMS) at strength 1.

    This is the classical engine's `provenance/watermark/masking.py` on the GPU, for canonical pictures (n, 3, h, w).
    """
    luma = luma_blue(image)[:, :1]
    variance = (_mean(luma * luma, 1) - _mean(luma, 1) ** 2).clamp_min(1e-6)
    texture = _mean(variance ** (1 / 8), 3)
    texture = -F.max_pool2d(F.pad(-texture, (3, 3, 3, 3), mode="replicate"), 7, 1)
    texture = _mean(_mean(texture**4, 2), 2)
    return torch.cat([(0.50 + 0.065 * texture).clamp_max(2.2), (1.0 + 0.10 * texture).clamp_max(4.0)], 1)


def _mean(values: Tensor, radius: int) -> Tensor:
    return F.avg_pool2d(F.pad(values, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)


def pilots(count: int, generator: torch.Generator, period: int = 192) -> Tensor:
    """Patterns like the pilots by which the classical search finds the geometry (count, 2, period, period), of unit
    variance: 30 % of the waves of the two channels' bands, of random phase."""
    found = []
    for low, high in ((0.028, 0.20), (0.030, 0.10)):
        wave = torch.fft.fftfreq(period)
        frequency = torch.hypot(wave[:, None], wave[None])
        kept = (frequency >= low) & (frequency <= high)
        size = (frequency.clamp_min(low) / low) ** -0.3
        chosen = torch.rand(count, period, period, generator=generator) < 0.3
        phase = 2 * math.pi * torch.rand(count, period, period, generator=generator)
        pattern = torch.fft.ifft2(torch.polar(kept * chosen * size, phase)).real
        found.append(pattern / pattern.std((1, 2), keepdim=True))
    return torch.stack(found, 1)
