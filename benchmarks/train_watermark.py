"""Trains the networks of the neural watermark, and writes them as ONNX.

    pip install torch onnx                                    # the extra `neural`
    python benchmarks/train_watermark.py --out nets --steps 20000 --device cuda
    python benchmarks/train_watermark.py --out nets --side 32 --width 8 --steps 500 --rate .005 --distortion 0 --faint 9

The first is meant for some 20 minutes of a GPU, and was never run on one: nothing is claimed for what comes out, and
nothing depends on it. The second takes a minute of one core, to see that it works.

Pictures are made here: overlapping discs of noise ("dead leaves"), gradients, flat cards with text. Bits are learned
first, without distortions and at any visibility; then distortions come in (crop, turn, blur, noise, color, JPEG), and
the mark is made faint (after HiDDeN, Zhu et al., ECCV 2018).
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

BITS = 96
BOUND = 0.10  # of the range, at most


def block(inside: int, outside: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1), nn.GroupNorm(4, outside), nn.GELU())


class Encoder(nn.Module):
    """A picture (n, 3, side, side) in 0..1 and bits (n, 96) of -1 and 1: what to add to the picture."""

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.cells = side // 8
        self.message = nn.Linear(BITS, 8 * self.cells**2)
        self.down = nn.ModuleList([block(3, width), block(width, width, 2), block(width, 2 * width, 2)])
        self.middle = block(2 * width + 8, 2 * width)
        self.up = nn.ModuleList([block(3 * width, width), block(2 * width, width)])
        self.out = nn.Conv2d(width + 8, 3, 3, 1, 1)

    def forward(self, image: Tensor, bits: Tensor) -> Tensor:
        said = self.message(bits).view(-1, 8, self.cells, self.cells)
        fine = self.down[0](image)
        half = self.down[1](fine)
        quarter = self.down[2](half)
        size = (self.cells * 2, self.cells * 2)
        deep = self.middle(torch.cat([quarter, F.interpolate(said, size=size, mode="bilinear")], 1))
        mixed = self.up[0](torch.cat([F.interpolate(deep, scale_factor=2.0, mode="bilinear"), half], 1))
        mixed = self.up[1](torch.cat([F.interpolate(mixed, scale_factor=2.0, mode="bilinear"), fine], 1))
        whole = F.interpolate(said, scale_factor=8.0, mode="bilinear")
        return BOUND * torch.tanh(self.out(torch.cat([mixed, whole], 1)))


class Decoder(nn.Module):
    """A picture (n, 3, side, side): a value a bit (n, 96), positive for 1."""

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(3, width), block(width, width, 2), block(width, 2 * width, 2), block(2 * width, 2 * width, 2)
        )
        self.bits = nn.Linear(2 * width * (side // 8) ** 2, BITS)

    def forward(self, image: Tensor) -> Tensor:
        local = image - F.avg_pool2d(image, 9, 1, 4, count_include_pad=False)
        return self.bits(self.body(10 * local).flatten(1))


def pictures(count: int, side: int, rng: np.random.Generator) -> Tensor:
    """Made pictures (count, 3, side, side): a third each of dead leaves, gradients and cards with text."""
    y, x = np.mgrid[:side, :side] / side
    made = []
    for number in range(count):
        if number % 3 == 0:
            image = np.zeros((side, side, 3))
            for _ in range(40):
                radius = 0.04 * (1 + rng.pareto(1.5))
                inside = (x - rng.random()) ** 2 + (y - rng.random()) ** 2 < radius**2
                image[inside] = rng.random(3) + rng.normal(0, 0.08 * rng.random(), (int(inside.sum()), 3))
        elif number % 3 == 1:
            first, second = rng.random(3), rng.random(3)
            slope = (x * rng.normal() + y * rng.normal())[..., None]
            image = first + (second - first) * (slope - slope.min()) / max(1e-6, np.ptp(slope))
        else:
            card = Image.new(
                "RGB", (side, side), tuple(int(c) for c in rng.choice([255, 250, 24, int(rng.integers(256))], 3))
            )
            draw = ImageDraw.Draw(card)
            for line in range(int(rng.integers(1, 6))):
                words = "".join(rng.choice(list("abcdefgh lmnoprstu"), 24))
                place = (side * 0.05, side * (0.08 + 0.16 * line))
                draw.text(
                    place,
                    words,
                    fill=tuple(int(c) for c in rng.integers(0, 255, 3)),
                    font=ImageFont.load_default(max(8, side // 12)),
                )
            image = np.asarray(card) / 255
        made.append(np.clip(image, 0, 1))
    return torch.tensor(np.stack(made), dtype=torch.float32).permute(0, 3, 1, 2).contiguous()


def distorted(image: Tensor, level: float) -> Tensor:
    """What may become of it, the harder the higher the level (0..1)."""
    count, device = len(image), image.device
    scale = 1 - 0.3 * level * torch.rand(count, device=device)
    turn = torch.deg2rad(10 * level * (2 * torch.rand(count, device=device) - 1))
    shift = (1 - scale)[:, None] * (2 * torch.rand(count, 2, device=device) - 1)
    rows = [
        torch.stack([scale * turn.cos(), -scale * turn.sin(), shift[:, 0]], 1),
        torch.stack([scale * turn.sin(), scale * turn.cos(), shift[:, 1]], 1),
    ]
    moved = (torch.rand(count, device=device) < 0.5)[:, None, None, None]
    grid = F.affine_grid(torch.stack(rows, 1), list(image.shape), align_corners=False)
    image = torch.where(moved, F.grid_sample(image, grid, padding_mode="border", align_corners=False), image)
    kind = int(torch.randint(0, 5, ()))
    if kind == 1:
        image = F.avg_pool2d(image, 3, 1, 1, count_include_pad=False) * level + image * (1 - level)
    elif kind == 2:
        image = image + 0.08 * level * torch.randn_like(image)
    elif kind == 3:
        gain = 1 + 0.3 * level * (2 * torch.rand(count, 3, 1, 1, device=device) - 1)
        image = (image - 0.5) * gain + 0.5 + 0.1 * level * (2 * torch.rand(count, 1, 1, 1, device=device) - 1)
    elif kind == 4:
        image = jpeg(image, 95 - 60 * level * float(torch.rand(())))
    return image.clamp(0, 1)


def jpeg(image: Tensor, quality: float) -> Tensor:
    """JPEG's loss, with gradients that pass through its rounding."""
    table = torch.tensor([16 + 6 * max(i, j) + 2 * (i + j) for i in range(8) for j in range(8)], device=image.device)
    step = table * ((200 - 2 * quality if quality >= 50 else 5000 / quality) / 100) / 255
    position = torch.arange(8, device=image.device)
    basis = torch.cos((2 * position[None] + 1) * position[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    kernel = torch.einsum("ij,kl->ikjl", basis, basis).reshape(64, 1, 8, 8)
    planes = image.reshape(-1, 1, *image.shape[2:]) - 0.5
    values = F.conv2d(planes, kernel, stride=8) / step[None, :, None, None]
    values = values + (values.round() - values).detach()
    return (F.conv_transpose2d(values * step[None, :, None, None], kernel, stride=8) + 0.5).reshape(image.shape)


def train(options: argparse.Namespace) -> tuple[Encoder, Decoder]:
    side, width, steps, batch, device, seed = (
        getattr(options, name) for name in ("side", "width", "steps", "batch", "device", "seed")
    )
    torch.manual_seed(seed)
    encoder, decoder = Encoder(side, width).to(device), Decoder(side, width).to(device)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=options.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, total_steps=steps, pct_start=0.1)
    stock = pictures(max(192, 8 * batch), side, np.random.default_rng(seed)).to(device)
    started = time.monotonic()
    for step in range(steps):
        progress = step / steps
        image = stock[torch.randint(0, len(stock), (batch,), device=device)]
        image = torch.where(torch.rand(batch, 1, 1, 1, device=device) < 0.5, image.flip(3), image)
        bits = torch.randint(0, 2, (batch, BITS), device=device).float()
        residual = encoder(image, 2 * bits - 1)
        level = options.distortion * min(1.0, max(0.0, (progress - 0.3) / 0.4))
        seen = (image + residual).clamp(0, 1)
        seen = seen + (torch.round(seen * 255) / 255 - seen).detach()
        logits = decoder(distorted(seen, level) if level > 0 else seen)
        faint = min(1.0, max(0.0, (progress - 0.2) / 0.6))
        loss = F.binary_cross_entropy_with_logits(logits, bits) + options.faint * faint * residual.square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % max(1, steps // 20) == 0 or step == steps - 1:
            right = float(((logits > 0) == (bits > 0.5)).float().mean())
            psnr = float(-10 * torch.log10(residual.detach().square().mean()))
            print(f"{step:6} {time.monotonic() - started:6.0f} s  bits {right:.3f}  {psnr:.1f} dB", flush=True)
    return encoder.eval().cpu(), decoder.eval().cpu()


def export(encoder: Encoder, decoder: Decoder, side: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image, bits = torch.zeros(1, 3, side, side), torch.ones(1, BITS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the older one, and says so
        options = {"opset_version": 17, "dynamo": False}
        torch.onnx.export(
            encoder,
            (image, bits),
            str(folder / "encoder.onnx"),
            input_names=["image", "bits"],
            output_names=["mark"],
            **options,
        )
        torch.onnx.export(
            decoder, (image,), str(folder / "decoder.onnx"), input_names=["image"], output_names=["bits"], **options
        )
    for path in sorted(folder.glob("*.onnx")):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=256, help="the networks' picture, a multiple of 16")
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--distortion", type=float, default=1.0, help="0 (none) to 1, reached after 70 %% of the steps")
    parser.add_argument("--faint", type=float, default=400.0, help="what visibility costs, reached after 80 %%")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    export(*train(options), options.side, options.out)


if __name__ == "__main__":
    main()
