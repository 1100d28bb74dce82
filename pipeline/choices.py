"""Who does what: the backend, the model, the decoder, the encoder, and the result's name, from media and settings."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline import cuda, machine
from pipeline.errors import BackendError, OutputError, SettingsError
from pipeline.frame import FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.media.encoding.encode import VideoEncoding, refusal, taken_up
from pipeline.media.encoding.picture_codecs import codec_for
from pipeline.media.reading.animation import is_animated_png
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import MediaInfo
from pipeline.media.writing.forms import Form
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.settings import Settings
from pipeline.superres import flavour

# Visually lossless or nearly so, at the speed that each encoder's own users call medium.
_QUALITY: dict[str, dict[str, str]] = {
    "libx264": {"crf": "17", "preset": "medium"},
    "libx265": {"crf": "18", "preset": "medium"},
    "libsvtav1": {"crf": "24", "preset": "6"},
    "h264_nvenc": {"cq": "19", "preset": "p5", "rc": "vbr", "b": "0"},
    "hevc_nvenc": {"cq": "20", "preset": "p5", "rc": "vbr", "b": "0"},
}
_QUALITY_OPTION = {"h264_nvenc": "cq", "hevc_nvenc": "cq"}  # else crf
_NVENC_H264_SIDE = 4096  # beyond, it encodes H.265 only
_OTHER_QUALITY = ("qp", "b", "q")  # options that say quality in another way than crf
_MANY_CORES = 8  # that decode faster than NVDEC does


def choose_backend(settings: Settings) -> tuple[str, str | None]:
    """The backend to use, and a note where a GPU is there but can't be used. Raises BackendError if it was named."""
    if settings.backend == "onnx":
        return "onnx", None
    missing = cuda.problem()
    if missing is None and not flavour.installed():
        missing = f"TensorRT is not installed: {flavour.INSTALL['rtx']}"
    if missing is None:
        return "tensorrt", None
    if settings.backend == "tensorrt":
        raise BackendError(f"--backend tensorrt: {missing}; or use --backend onnx")
    gpu_is_here = Path("/proc/driver/nvidia/version").exists()
    return "onnx", f"an NVIDIA GPU is here but not used: {missing}" if gpu_is_here else None


def choose_model(settings: Settings, backend: str) -> ModelSpec:
    """The model that the settings name, in the form that suits the backend: CPUs are slower at less than fp32."""
    if backend == "onnx":
        return catalogue.find(settings.model, np.float32)
    return catalogue.find(settings.model, np.float16 if settings.precision == "auto" else settings.precision)


def choose_decoder(media: MediaInfo, settings: Settings, backend: str) -> tuple[str, FrameFormat, str | None]:
    """What decodes: "nvdec" or "software"; the format of its frames; and a note where NVDEC was wished for in vain."""
    format = media.video.format
    software = "software", format
    if settings.decoder == "software" or (settings.decoder == "auto" and machine.cores() >= _MANY_CORES):
        return *software, None
    reason: str | None = "frames go to no GPU" if backend != "tensorrt" else None
    if media.pictures or media.pipe:
        reason = reason or "it reads videos from files only"
    if reason is None and len(settings.device) > 1:
        reason = "its frames lie on one GPU, and several share the work"
    layout = nvdec.layout(format.pixel)
    if layout is None:
        reason = reason or f"it does not decode {format.pixel.name}"
    reason = reason or nvdec.problem(media.path, cuda.Gpu(settings.device[0]))
    if reason is None and layout is not None:
        return "nvdec", replace(format, pixel=layout), None
    return *software, f"decoded in software, not by NVDEC: {reason}" if settings.decoder == "nvdec" else None


def target_for(source: Path, to: Path | None, scale: int) -> Path:
    """Where the result of `source` goes: `to` if it names a file, else in.x2.mkv, in the folder `to` or beside it.

    Pictures and animations stay what they are: photo.x2.jpg, %05d.x2.png. What comes through a pipe leaves through one.
    """
    if to is not None and not os.path.isdir(to):  # Path.is_dir raises on names that are too long
        return to
    if is_pipe(source) and to is None:
        return source
    stem = "stdin" if is_pipe(source) else source.stem
    suffix = ".apng" if is_animated_png(source) else source.suffix if codec_for(source) else ".mkv"
    return (to or source.parent) / f"{stem}.x{scale}{suffix}"


def choose_encoder(media: MediaInfo, scale: int, settings: Settings) -> tuple[VideoEncoding, str | None]:
    """How the result is encoded; and a note where `--codec auto` found no NVENC on the GPU."""
    if settings.codec != "auto":
        return _encoding(media, scale, settings, settings.codec), None
    software = _encoding(media, scale, settings, "libx264")
    if cuda.problem():
        return software, None
    format = software.format
    beyond = max(format.width, format.height) > _NVENC_H264_SIDE or format.pixel.depth > 8
    try:
        wanted = _encoding(media, scale, settings, "hevc_nvenc" if beyond else "h264_nvenc")
        reason = refusal(wanted)
    except OutputError as error:
        reason = str(error)
    return (software, f"encoded by libx264: this GPU's NVENC can't ({reason})") if reason else (wanted, None)


def _encoding(media: MediaInfo, scale: int, settings: Settings, name: str) -> VideoEncoding:
    video = media.video
    return taken_up(
        VideoEncoding(
            codec=name,
            format=replace(video.format, width=video.format.width * scale, height=video.format.height * scale),
            rate=video.rate,
            time_base=video.time_base,
            sample_aspect=video.sample_aspect,
            options=_encoder_options(settings, name),
            display_matrix=video.display_matrix,
        )
    )


def choose_formed(form: Form, media: MediaInfo, scale: int, settings: Settings) -> tuple[VideoEncoding, str | None]:
    """How the frames of a form are encoded; and a note of what is without effect there."""
    if "codec" in settings.model_fields_set:
        raise SettingsError(f"--codec {settings.codec}: {form.name} has but one codec; leave the option out")
    unused = [f"--{name}" for name in ("crf", "preset") if getattr(settings, name) is not None]
    note = f"{', '.join(unused)}: without effect on {form.name}" if unused else None
    return form.encoding(media.video, scale, settings.options), note


def _encoder_options(settings: Settings, codec: str) -> dict[str, str]:
    options = dict(_QUALITY.get(codec, {}))
    quality = _QUALITY_OPTION.get(codec, "crf")
    if any(name in settings.options for name in _OTHER_QUALITY):
        options.pop(quality, None)
    if settings.crf is not None:
        options[quality] = f"{settings.crf:g}"
    if codec.endswith("_nvenc"):
        options["gpu"] = str(settings.device[0])
    if settings.preset is not None and (settings.codec != "auto" or _known_preset(codec, settings.preset)):
        options["preset"] = settings.preset
    return options | settings.options


def _known_preset(codec: str, preset: str) -> bool:
    """Whether a preset that was given beside `--codec auto` is meant for the encoder that was found."""
    return codec.endswith("_nvenc") == bool(re.fullmatch("p[1-7]", preset))
