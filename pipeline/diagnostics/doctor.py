"""Checks what this machine can do, with the command that fixes each thing that is missing."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import av.codec

from pipeline.errors import UprezError, error_summary
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.codecs import encoders_for, usual_encoders
from pipeline.media.encoding.encoder_context import probe_encoder
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.superres.cpu.runtimes import RUNTIMES, installed_runtimes
from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda, host
from pipeline.system.cache import cache_folder
from pipeline.system.onnx_runtime import load_onnx_runtime
from pipeline.system.openvino import load_openvino

_NVRTC_TRIAL = 'extern "C" __global__ void trial(float* x) { *x = 1; }'


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: What was checked.
        ok: Whether it works.
        detail: Version and properties, or what is wrong.
        fix: The command that fixes it; "" if nothing is wrong.
        required: Whether nothing works without it.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = False


def examine() -> list[Finding]:
    """Check everything that uprez can use."""
    return [_checked(check) for check in (_python, _ffmpeg, _onnx, _openvino, _gpu, _tensorrt, _nvrtc, _nvenc, _cache)]


def _checked(check: Callable[[], Finding]) -> Finding:
    """The finding of a check; an error of the check itself is one, too."""
    try:
        return check()
    except UprezError as error:
        return Finding(check.__name__.removeprefix("_"), False, str(error), required=check is _cache)


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, f"{sys.version.split()[0]}, {host.cores()} cores", "install 3.11 or newer", True)


def _ffmpeg() -> Finding:
    encoders = usual_encoders()
    missing = [name for name in encoders if name not in av.codec.codecs_available]
    detail = f"{av.ffmpeg_version_info} in PyAV {av.__version__}, encoders {', '.join(encoders)}"
    if missing:
        return Finding("FFmpeg", False, f"{detail}; missing: {', '.join(missing)}", "pip install --force-reinstall av")
    return Finding("FFmpeg", True, detail, required=True)


def _onnx() -> Finding:
    try:
        version = load_onnx_runtime().__version__
    except ImportError as error:
        return Finding("ONNX Runtime", False, str(error), "pip install onnxruntime", True)
    others = [runtime for runtime in installed_runtimes()[1:] if runtime.provider]
    titles = ", ".join(["the CPU", *(runtime.title.partition(" ")[0] for runtime in others)])
    return Finding("ONNX Runtime", True, f"{version}, on {titles}", required=True)


def _openvino() -> Finding:
    runtime = next(runtime for runtime in RUNTIMES if runtime.name == "openvino")
    if not runtime.is_installed:
        return Finding("OpenVINO", False, "not installed; it may be faster than ONNX Runtime", runtime.install)
    try:
        load_openvino()
    except (ImportError, OSError) as error:
        return Finding("OpenVINO", False, str(error), "pip install --force-reinstall openvino")
    return Finding("OpenVINO", True, f"{runtime.version}, on the CPU")


def _gpu() -> Finding:
    if reason := cuda.unavailable_reason():
        problem, _, fix = reason.partition(": ")
        return Finding("NVIDIA GPU", False, f"{problem}; upscaling runs on the CPU", fix)
    found = [
        f"{g.name} ({g.memory / 2**30:.0f} GiB, compute capability {g.capability}, driver {g.driver})"
        for g in host.gpus()
    ]
    return Finding("NVIDIA GPU", True, "; ".join(found))


def _tensorrt() -> Finding:
    try:
        loaded = [library.load(name) for name in library.installed()]
        if not cuda.unavailable_reason():
            for each in loaded:
                each.create_runtime()
    except UprezError as error:
        return Finding("TensorRT", False, str(error), library.INSTALL_COMMANDS["rtx"])
    if not loaded:
        return Finding(
            "TensorRT",
            False,
            "not installed; the GPU runs only what fused kernels can compute",
            library.INSTALL_COMMANDS["rtx"],
        )
    return Finding("TensorRT", True, ", ".join(f"{f.trt.__name__} {f.version}" for f in loaded))


def _nvrtc() -> Finding:
    return _trial("NVRTC", _compile, "compiles the colour kernels", library.INSTALL_COMMANDS["rtx"])


def _nvenc() -> Finding:
    if cuda.unavailable_reason():
        return Finding("NVENC", False, "no GPU; x264 encodes", "")
    format = FrameFormat(256, 256, PIXEL_FORMATS["yuv420p"], Colour(matrix=1, full_range=False))
    on_gpu = next(spec for spec in encoders_for(Role.COMPATIBLE, gpu=True) if spec.gpu)
    reason = probe_encoder(VideoEncoding(on_gpu.name, format, Fraction(25), Fraction(1, 25)))
    if reason:
        return Finding("NVENC", False, f"this GPU has no working encoder ({reason}); x264 encodes", "")
    return Finding("NVENC", True, 'encodes H.264: `codec="auto"` uses it')


def _compile() -> None:
    from cuda.core import Program, ProgramOptions

    Program(_NVRTC_TRIAL, code_type="c++", options=ProgramOptions(arch="sm_75")).compile("cubin")


def _cache() -> Finding:
    folder = cache_folder("engines")
    free = shutil.disk_usage(folder).free
    return Finding("cache", True, f"{folder}, {free / 1e9:.0f} GB free")


def _trial(name: str, trial: Callable[[], object], detail: str, fix: str) -> Finding:
    if importlib.util.find_spec("cuda") is None:
        return Finding(name, False, "not installed", fix)
    try:
        trial()
    except Exception as error:  # any fault of an installation is a finding
        return Finding(name, False, error_summary(error), fix)
    return Finding(name, True, detail)
