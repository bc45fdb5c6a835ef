"""Local pipelines, by a tiny one with random weights that is made here. It needs `pip install safelight[diffusers]`."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from safelight.config import Settings
from safelight.errors import BadInput, ConfigError
from safelight.models import build_generators
from safelight.services import ServicePool
from safelight.tools.images.diffusers import Diffusers, DiffusersOptions
from safelight.tools.images.diffusers.pipelines import Drawn
from safelight.tools.images.generator import DeclinedImage, GeneratedImage, ImageGenerator, ImageRequest
from safelight.tools.images.spec import ImageSpec, Size, StyleSheet

# The libraries warn of their own future; what they warn of is theirs.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

STEPS = DiffusersOptions(steps=2, device="cpu", wait=0.2)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion of some ten thousand weights, as `save_pretrained` writes it."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install 'safelight[diffusers]'")
    diffusers = pytest.importorskip("diffusers", reason="needs diffusers: pip install 'safelight[diffusers]'")
    transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'safelight[diffusers]'")
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"), model_max_length=77
    )
    ends = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": len(tokens) - 1}
    reader = transformers.CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, **ends
    )
    network = diffusers.UNet2DConditionModel(
        block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, sample_size=16, cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
    )  # fmt: skip
    codec = diffusers.AutoencoderKL(
        block_out_channels=(4, 8), norm_num_groups=2, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    diffusers.StableDiffusionPipeline(
        vae=codec, text_encoder=transformers.CLIPTextModel(reader), tokenizer=tokenizer, unet=network,
        scheduler=diffusers.DDIMScheduler(clip_sample=False), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"


def request(prompt: str = "a hill", *, seed: int = 0, width: int = 320, height: int = 256, **more: Any) -> ImageRequest:
    images = more.pop("images", {})
    spec = ImageSpec(index=0, of=1, prompt=prompt, size=Size(width=width, height=height), **more)
    return ImageRequest(spec, StyleSheet(), images, seed=seed)


async def test_it_draws_what_it_is_asked_at_the_size_that_was_asked(pipeline: Path) -> None:
    generator = Diffusers(pipeline, options=STEPS)
    assert isinstance(generator, ImageGenerator)
    made = await generator.generate(request(title="Hill"))
    assert isinstance(made, GeneratedImage)
    assert Image.open(io.BytesIO(made.data)).size == (320, 256)
    assert made.model == "diffusers:pipeline"
    assert any("misspelled" in note for note in made.notes)
    assert not generator.algorithmic
    again = await generator.generate(request(title="Hill"))
    other = await generator.generate(request(title="Hill", seed=1))
    assert isinstance(again, GeneratedImage)
    assert isinstance(other, GeneratedImage)
    assert again.data == made.data != other.data
    generator.close()


async def test_it_loads_once_and_draws_in_batches(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safelight.tools.images.diffusers import generator as module

    loads, sizes = [], []
    real = module.Pipelines

    class Counted(real):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any) -> None:
            loads.append(args)
            super().__init__(*args)

        def draw(self, tasks: Any) -> Any:
            sizes.append(len(tasks))
            return super().draw(tasks)

    monkeypatch.setattr(module, "Pipelines", Counted)
    generator = Diffusers(pipeline, options=STEPS)
    made = await asyncio.gather(*(generator.generate(request("a hill", seed=seed)) for seed in range(4)))
    assert (len(loads), sizes) == (1, [4])
    assert len({image.data for image in made if isinstance(image, GeneratedImage)}) == 4
    generator.close()


async def test_it_edits_and_says_what_it_cannot(pipeline: Path) -> None:
    generator = Diffusers(pipeline, options=STEPS.model_copy(update={"steps": 4}))
    target = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(target, "PNG")
    given = {"sha256:a": target.getvalue()}
    made = await generator.generate(request(edit_of="sha256:a", instruction="night", images=given))
    assert isinstance(made, GeneratedImage)
    assert (made.width, made.height) == (320, 256)
    with pytest.raises(BadInput, match="mask"):
        await generator.generate(request(edit_of="sha256:a", mask="sha256:a", images=given))
    with pytest.raises(BadInput, match="not passed"):
        await generator.generate(request(edit_of="sha256:b"))
    generator.close()


async def test_what_its_own_checker_flags_is_a_refusal_and_no_black_image(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safelight.tools.images.diffusers.pipelines import Pipelines

    black = [Drawn(Image.new("RGB", (32, 32)), True)]
    monkeypatch.setattr(Pipelines, "draw", lambda *_: black)
    generator = Diffusers(pipeline, options=STEPS)
    made = await generator.generate(request())
    assert isinstance(made, DeclinedImage)
    assert (made.stage, made.policies) == ("output", ("sexual",))
    generator.close()


async def test_a_folder_without_a_pipeline_is_named(tmp_path: Path, pipeline: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="holds no pipeline"):
        await Diffusers(tmp_path).generate(request())
    chosen = settings.model_copy(update={"generator": (f"diffusers:{pipeline}", "canvas")})
    first, second = build_generators(chosen, ServicePool(chosen))
    assert (first.name, second.name) == ("diffusers:pipeline", "canvas")
    wrong = chosen.model_copy(update={"diffusers_options": {"stepz": 3}})
    with pytest.raises(ConfigError, match="stepz"):
        build_generators(wrong, ServicePool(wrong))


async def test_nothing_is_looked_up_elsewhere(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a local pipeline asked the network")

    generator = Diffusers(pipeline, options=STEPS)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert isinstance(await generator.generate(request()), GeneratedImage)
    generator.close()
