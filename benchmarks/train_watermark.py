"""Trains the networks of the neural watermark, and writes them as ONNX.

    pip install torch onnx                                                # the extra `neural`
    python benchmarks/train_watermark.py --out nets --decoder-width 48    # 8 minutes of a GPU, where there is one
    python benchmarks/train_watermark.py --out nets --seconds 60 --crop 64 --batch 8 --width 16 --stock 64
    python benchmarks/train_watermark.py --out nets --from nets/checkpoint.pt   # write the networks again, no training

The second trains for a minute on the processor, to see that it works.

One bit lies in each cell of 8 x 8 pixels of the canonical frame; the engine spreads a coded payload over the cells,
and finds the geometry by the classical pilots, which lie under the mark here, too. So the networks learn no more than
how to put a bit into a place and how to read it there, after anything that `training/attacks.py` does, from a frame
that is a little off. Every cell of every picture is an example, some thousand times as many as if a picture were one.

What is added has a fixed power under a mask (`training/networks.py`): nothing has to be balanced against visibility.
The first minute knows no attack and a stronger mark; then both become what they will be. What is kept is the running
mean of the weights.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn
from training.attacks import Fate, drawn, resized, rounded, suffer, trials
from training.networks import CELL, Decoder, Encoder, pilots, rooms
from training.pictures import KINDS, SIDE, found_photographs, made

PILOT_SHARE = 0.25  # of the mark's power
STRENGTHS = (0.55, 1.5)  # times what the mask allows
TRIED = 0.9
HEADROOM = (0.8, 0.56)
PERIOD = 192
HELD_OUT = 10**9  # seeds from here on make the pictures of the trials


class Stock:
    """Pictures on the device; more come in while the first are trained on."""

    def __init__(self, size: int, device: torch.device, workers: int, photographs: list[str]) -> None:
        self.pictures = torch.zeros(size, 3, SIDE, SIDE, dtype=torch.uint8, device=device)
        self.count = 0
        self._pool = multiprocessing.get_context("fork").Pool(workers)
        self._coming: Iterator[tuple[int, Any]] = self._pool.imap_unordered(
            partial(made, photographs=photographs), range(size), chunksize=4
        )
        self._filling = threading.Thread(target=self._fill, daemon=True)

    def start(self, enough: int) -> None:
        """Return when there are `enough` pictures."""
        self._filling.start()
        while self.count < min(enough, len(self.pictures)) and self._filling.is_alive():
            time.sleep(0.1)
        if self.count == 0:
            raise RuntimeError("no pictures could be made")

    def _fill(self) -> None:
        while self.count < len(self.pictures):
            try:
                _, pixels = next(self._coming)
            except StopIteration:
                break
            except Exception:
                traceback.print_exc()
                continue
            self.pictures[self.count] = torch.from_numpy(pixels).permute(2, 0, 1)
            self.count += 1
        self._pool.terminate()

    def some(self, count: int, side: int) -> Tensor:
        """Parts of `count` pictures (count, 3, side, side) in 0..1, turned, mirrored, recolored at random."""
        chosen = torch.randint(0, self.count, (count,), device=self.pictures.device)
        left, top = (int(torch.randint(0, SIDE - side + 1, ())) for _ in range(2))
        image = self.pictures[:, :, top : top + side, left : left + side][chosen].float() / 255
        dice = torch.rand(4).tolist()
        image = image[:, torch.randperm(3).tolist()] if dice[0] < 0.3 else image
        image = image.flip(3) if dice[1] < 0.5 else image
        image = image.flip(2) if dice[2] < 0.5 else image
        image = image.transpose(2, 3) if dice[3] < 0.5 else image
        inverted = torch.rand(count, 1, 1, 1, device=image.device) < 0.15
        gain = 1 - 0.25 * torch.rand(count, 1, 1, 1, device=image.device) ** 2
        return rounded(torch.where(inverted, 1 - image, image) * gain).contiguous()


class Marker:
    """Puts bits into pictures as the engine will: under a mask, over pilots, with headroom, rounded."""

    def __init__(self, device: torch.device, crop: int) -> None:
        self._pilots = pilots(64, torch.Generator().manual_seed(7)).to(device)
        self._crop, self._device = crop, device

    def mark(self, encoder: nn.Module, canvas: Tensor, bits: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        """The marked canvas (n, 3, side, side), and the wave (n, 2, crop, crop) that the encoder made."""
        canonical = resized(canvas, self._crop)
        room = rooms(canonical) * strength.view(-1, 1, 1, 1)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            wave = encoder(canonical, 2 * bits - 1)
        mixed = math.sqrt(1 - PILOT_SHARE) * wave + math.sqrt(PILOT_SHARE) * self._some_pilots(len(canvas))
        size = canvas.shape[2:]
        change = (
            F.interpolate(mixed * room / 255, size=size, mode="bicubic")
            if size != room.shape[2:]
            else mixed * room / 255
        )
        luma, blue = change.split(1, 1)
        luma = luma - 0.114 * blue
        change = torch.cat([luma, luma, luma + blue], 1)
        luma_room, blue_room = resized(room / 255, canvas.shape[-1]).split(1, 1)
        least = torch.cat([HEADROOM[0] * luma_room] * 2 + [HEADROOM[0] * luma_room + HEADROOM[1] * blue_room], 1)
        return rounded((torch.minimum(torch.maximum(canvas, least), 1 - least) + change).clamp(0, 1)), wave

    def _some_pilots(self, count: int) -> Tensor:
        chosen = self._pilots[torch.randint(0, len(self._pilots), (count,), device=self._device)]
        x, y = ((torch.arange(self._crop) + int(torch.randint(0, PERIOD, ()))) % PERIOD for _ in range(2))
        return chosen[:, :, y.to(self._device)][:, :, :, x.to(self._device)]


def heard(decoder: nn.Module, frame: Tensor) -> Tensor:
    with torch.autocast(frame.device.type, torch.bfloat16, enabled=frame.device.type == "cuda"):
        logits: Tensor = decoder(frame)
    return logits


def surprise(logits: Tensor, bits: Tensor, seen: Tensor) -> Tensor:
    """The cross-entropy a cell in bits (n,), over the cells in sight: 1 less what a cell tells."""
    inside = (F.avg_pool2d(seen, CELL) > 0.98).float()
    lost = F.binary_cross_entropy_with_logits(logits, bits, reduction="none") / math.log(2)
    return (lost * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp_min(1)


def visible(wave: Tensor) -> Tensor:
    """What an eye minds beyond the power: slow waves, and places that got more than their share."""
    slow = F.avg_pool2d(wave, CELL, CELL).square().mean()
    crowded = F.relu(F.avg_pool2d(wave.square(), 2 * CELL, CELL) - 1.6).square().mean()
    return slow + 0.2 * crowded


class Trainer:
    """Both networks, their running means, and what they are trained with."""

    def __init__(self, options: argparse.Namespace, device: torch.device) -> None:
        self.options, self.device = options, device
        torch.manual_seed(options.seed)
        self.encoder, self.decoder = (
            net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for net in (Encoder(options.width), Decoder(options.decoder_width or options.width))
        )
        self.mean_encoder, self.mean_decoder = deepcopy(self.encoder).eval(), deepcopy(self.decoder).eval()
        self.parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.means = [*self.mean_encoder.parameters(), *self.mean_decoder.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=options.rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=device.type == "cuda"
        )
        self.marker = Marker(device, options.crop)
        self.steps = 0

    def step(self, stock: Stock, progress: float) -> tuple[Tensor, Tensor]:
        """One step at a progress of 0..1; the bits that a cell tells, and the share of bits that are right."""
        options, device, count = self.options, self.device, self.options.batch
        rate = min(1.0, (self.steps + 1) / 200) * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = options.rate * rate
        level = min(1.0, max(0.0, (progress - 0.04) / 0.36))
        ratio = (1.0, 1.5, 2.0, 2.0)[int(torch.randint(0, 4, ()))]
        canvas = stock.some(count, round(options.crop * ratio / 16) * 16)
        bits = torch.randint(0, 2, (count, 1, options.crop // CELL, options.crop // CELL), device=device).float()
        low, high = (math.log(each) for each in STRENGTHS)
        extra = 1 + 2 * max(0.0, 1 - progress / 0.12)
        strength = extra * torch.exp(low + (high - low) * torch.rand(count, device=device))
        marked, wave = self.marker.mark(self.encoder, canvas, bits, strength)
        if level > 0:
            frame, seen = suffer(marked, drawn(count, canvas.shape[-1], level, device), options.crop)
        else:
            frame, seen = suffer(marked, Fate(canvas.shape[-1]), options.crop)
        logits = heard(self.decoder, frame)
        lost = surprise(logits, bits, seen)
        # Pictures that tell little count more: a payload needs some bits of each cell, and not more from the easy ones.
        weight = 1 + 2 * torch.exp((lost.detach() - 1) / 0.12).clamp_max(1)
        loss = (weight * lost).mean() + options.smooth * visible(wave)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for each in self.parameters:
            if each.grad is not None:
                each.grad.nan_to_num_(0, 0, 0)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.steps += 1
        keep = min(0.999, (self.steps + 1) / (self.steps + 20))
        with torch.no_grad():
            torch._foreach_lerp_(self.means, self.parameters, 1 - keep)
        return 1 - lost.detach().mean(), ((logits > 0) == (bits > 0.5)).float().mean()

    @torch.no_grad()
    def tried(self, held_out: tuple[Tensor, Tensor]) -> str:
        """What the running means do with pictures that are held out, attack by attack, kind by kind."""
        kinds, pictures = held_out
        crop, count = self.options.crop, len(pictures)
        canvas = pictures.to(self.device)[:, :, : 2 * crop, : 2 * crop].float() / 255
        torch.manual_seed(99)
        bits = torch.randint(0, 2, (count, 1, crop // CELL, crop // CELL), device=self.device).float()
        marked, wave = self.marker.mark(
            self.mean_encoder, canvas, bits, torch.full((count,), TRIED, device=self.device)
        )
        psnr = -10 * torch.log10((marked - canvas).square().mean((1, 2, 3))).cpu()
        lines = [
            f"  strength {TRIED}: {psnr.mean():.1f} dB (lowest {psnr.min():.1f}), visible {float(visible(wave)):.3f}"
        ]
        lines += [f"  {'bits a cell, share right':28}" + "".join(f"{kind:>17}" for kind in KINDS)]
        for fate in trials(count, canvas.shape[-1], self.device):
            frame, seen = suffer(marked, fate, crop)
            logits = heard(self.mean_decoder, frame)
            told = 1 - surprise(logits, bits, seen).cpu()
            right = ((logits > 0) == (bits > 0.5)).float().mean((1, 2, 3)).cpu()
            cells = [
                f"{told[kinds == kind].mean():10.3f} {right[kinds == kind].mean():6.3f}" for kind in range(len(KINDS))
            ]
            lines.append(f"  {fate.name:28}" + "".join(cells) + f"   lowest {told.min():.3f}")
        torch.manual_seed(self.options.seed + self.steps)
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """The running means and what they were made with, in one move."""
        state = {
            "widths": [self.options.width, self.options.decoder_width or self.options.width],
            "steps": self.steps,
            "encoder": {name: value.cpu().contiguous() for name, value in self.mean_encoder.state_dict().items()},
            "decoder": {name: value.cpu().contiguous() for name, value in self.mean_decoder.state_dict().items()},
        }
        torch.save(state, folder / "checkpoint.new")
        (folder / "checkpoint.new").replace(folder / "checkpoint.pt")


def train(options: argparse.Namespace) -> None:
    """Train for a time, saving every minute; what was last saved is good even if this is cut off."""
    options.out.mkdir(parents=True, exist_ok=True)
    photographs = found_photographs(options.photographs)
    began = time.monotonic()
    # The makers of pictures are forked off before anything has touched the GPU.
    held_seeds = range(HELD_OUT, HELD_OUT + options.held_out)
    stock = Stock(options.stock, torch.device("cpu"), options.workers, photographs)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.backends.cudnn.allow_tf32 = False  # a mark is less than what TF32 rounds away
    torch.backends.cudnn.benchmark = True
    stock.pictures = stock.pictures.to(device)
    if device.type == "cuda":
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {options.workers} workers", flush=True)
    stock.start(options.stock // 3)
    held = [made(seed, photographs) for seed in held_seeds]
    held_out = (
        torch.tensor([kind for kind, _ in held]),
        torch.from_numpy(np.stack([each for _, each in held])).permute(0, 3, 1, 2),
    )
    print(
        f"{stock.count} of {options.stock} pictures in {time.monotonic() - began:.0f} s, {len(set(photographs))} files",
        flush=True,
    )
    trainer = Trainer(options, device)
    print(
        f"{sum(each.numel() for each in trainer.parameters) / 1e6:.2f} M parameters, batch {options.batch}", flush=True
    )
    started = reported = saved = time.monotonic()
    steps_before, is_exported = 0, False
    told: list[Tensor] = []
    right: list[Tensor] = []
    while (now := time.monotonic()) - started < options.seconds:
        a, b = trainer.step(stock, (now - started) / options.seconds)
        told.append(a)
        right.append(b)
        if now - reported >= options.every:
            tells, share = float(torch.stack(told).mean()), float(torch.stack(right).mean())
            now = time.monotonic()
            pace = (now - reported) / (trainer.steps - steps_before)
            print(
                f"{now - started:6.0f} s  step {trainer.steps:6}  {tells:.3f} bits a cell, {share:.3f} right  "
                f"{1e3 * pace:.1f} ms a step, {options.batch / pace:.0f} pictures/s, stock {stock.count}",
                flush=True,
            )
            told, right, reported, steps_before = [], [], now, trainer.steps
        if now - saved >= options.save_every:
            trainer.save(options.out)
            print(trainer.tried(held_out), flush=True)
            if not is_exported:
                is_exported = True
                export(options.out / "checkpoint.pt", options.out)
            saved = time.monotonic()
            steps_before, reported = trainer.steps, saved
    trainer.save(options.out)
    print(f"{time.monotonic() - began:.0f} s in all, {trainer.steps} steps\n{trainer.tried(held_out)}", flush=True)
    export(options.out / "checkpoint.pt", options.out)


def export(checkpoint: Path, folder: Path) -> None:
    """Write encoder.onnx and decoder.onnx; a failure is told, and leaves the checkpoint to try again from."""
    try:
        _export(checkpoint, folder)
    except Exception:
        traceback.print_exc()
        print(f"the networks were not written; {checkpoint} remains", flush=True)


def _export(checkpoint: Path, folder: Path) -> None:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    encoder, decoder = Encoder(state["widths"][0]).eval(), Decoder(state["widths"][1]).eval()
    encoder.load_state_dict(state["encoder"])
    decoder.load_state_dict(state["decoder"])
    image, bits = torch.rand(1, 3, 64, 96), torch.ones(1, 1, 8, 12)
    for name, net, inputs in (
        ("encoder", encoder, {"image": image, "bits": bits}),
        ("decoder", decoder, {"image": image}),
    ):
        out = "wave" if name == "encoder" else "logits"
        axes = {each: {2: f"{each}_height", 3: f"{each}_width"} for each in (*inputs, out)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter that needs no further package is the older one, and says so
            torch.onnx.export(
                net, tuple(inputs.values()), str(folder / f"{name}.onnx"), input_names=list(inputs), output_names=[out],
                dynamic_axes=axes, opset_version=17, dynamo=False,
            )  # fmt: skip
        _halve(folder / f"{name}.onnx")
        print(f"{folder / name}.onnx: {(folder / f'{name}.onnx').stat().st_size / 1e6:.1f} MB", flush=True)


def _halve(path: Path) -> None:
    """Store the weights in half precision: they are widened again when the network is loaded."""
    import onnx

    model = onnx.load(path)
    casts = []
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > 256:
            name = weights.name
            weights.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=480, help="of training; making pictures comes before")
    parser.add_argument("--width", type=int, default=32, help="channels at a quarter of the frame's resolution")
    parser.add_argument("--decoder-width", type=int, default=0, help="of the decoder, where it is another")
    parser.add_argument("--crop", type=int, default=256, help="the part of the canonical frame that is trained on")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--smooth", type=float, default=0.3, help="what slow and crowded waves cost")
    parser.add_argument("--stock", type=int, default=4000, help="pictures to train on")
    parser.add_argument("--held-out", type=int, default=64, help="pictures to try on")
    parser.add_argument("--photographs", type=Path, help="a folder of pictures to train on, too")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--device", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=10, help="seconds between two lines of progress")
    parser.add_argument("--save-every", type=float, default=60, help="seconds between two checkpoints")
    parser.add_argument("--from", dest="checkpoint", type=Path, help="write the networks of a checkpoint, no more")
    options = parser.parse_args()
    if options.checkpoint is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        _export(options.checkpoint, options.out)
    else:
        train(options)


if __name__ == "__main__":
    main()
