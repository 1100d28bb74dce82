"""`uprez probe`: what is in a file, and what upscale would do with it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options as o
from pipeline.cli.console import facts, hours, note, out, size
from pipeline.cli.option_names import with_options
from pipeline.colour.h273 import colour_names
from pipeline.files.destination import free_disk
from pipeline.files.estimate import Estimate, estimate
from pipeline.files.plan import Plan, make_plan
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.reading.hdr import Hdr
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.probe import probe as look


def probe(
    source: Annotated[Path, typer.Argument(help="A video.")],
    config: o.Config = None,
    model: o.Model = None,
    backend: o.Backend = None,
    engine: o.Engine = None,
    device: o.Device = None,
    precision: o.Precision = None,
    vram: o.Vram = None,
    decoder: o.Decoder = None,
    deinterlace: o.Deinterlace = None,
    codec: o.Codec = None,
    pix_fmt: o.PixFmt = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    encoders: o.Encoders = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Show what is in a video, and how it would be upscaled.

    That is its streams, rate and colour; and the output, encoder, time, memory and disk space of `uprez upscale`.
    """
    settings = o.settings(config, locals())
    media = look(source)
    plan = make_plan(media, None, settings)
    guess = estimate(plan)
    if as_json:
        print(json.dumps(_as_json(media, plan, guess), indent=2, default=str))
        return
    out.print(facts([*_media(media), ("", ""), *_plan(plan, guess)]))
    for line in plan.notes:
        note(line)


def _media(media: MediaInfo) -> list[tuple[str, str]]:
    video, colour = media.video, media.video.format.colour
    range_ = "full" if colour.full_range else "limited"
    matrix, primaries, transfer = colour_names(colour)
    colours = f"{'rgb' if video.format.pixel.rgb else matrix}, primaries {primaries}, transfer {transfer}"
    sited = f", chroma {colour.siting.value}" if video.format.pixel.sub_x or video.format.pixel.sub_y else ""
    tagged = "" if video.tagged else " (not tagged: by its size)"
    frames = f"{video.frames} frames" if video.frames else "an unknown number of frames"
    length = f"{media.duration:.2f} s" if media.duration else "length unknown"
    rows = [
        ("file", f"{media.path}, {media.container}, {size(media.bytes)}, {length}"),
        (
            f"video {video.index}",
            f"{video.codec}, {video.format.width}x{video.format.height} {video.source_format}, {frames}",
        ),
        (
            "rate",
            f"{video.rate} = {float(video.rate):.3f} frames/s, time base {video.time_base}, first pts {video.start}",
        ),
        ("colour", f"{colours}{tagged}, {range_} range{sited}"),
    ]
    if video.hdr:
        rows.append(("HDR", str(video.hdr)))
    if video.dynamic_hdr:
        rows.append(("", f"{', '.join(video.dynamic_hdr)}: not carried over"))
    if video.display_matrix:
        rows.append(("shown", str(Orientation.from_matrix(video.display_matrix) or "at an odd angle")))
    if video.scan.interlaced:
        rows.append(("fields", f"marked as interlaced, {'top' if video.scan.top_first else 'bottom'} field first"))
    if video.sample_aspect != 1:
        rows.append(("pixel aspect", str(video.sample_aspect)))
    for stream in media.others:
        words = [stream.codec, stream.details, stream.language or "", stream.title or ""]
        rows.append((f"{stream.kind} {stream.index}", ", ".join(word for word in words if word)))
    if media.chapters:
        rows.append(("chapters", str(media.chapters)))
    return rows


def _plan(plan: Plan, guess: Estimate) -> list[tuple[str, str]]:
    encoding = plan.encoding
    options = " ".join(f"{key}={value}" for key, value in encoding.options.items())
    disk = f"about {size(plan.disk)}, {size(free_disk(plan))} free" if plan.disk else "unknown"
    gpu = f", {size(plan.video_memory)} on the GPU" if plan.video_memory else ""
    if encoding.encoders > 1:
        options += f", {encoding.encoders} at once, GOPs of {encoding.gop} frames"
    return [
        ("result", f"{plan.target}, {encoding.format}"),
        ("model", f"{plan.model}, by {'TensorRT' if plan.backend == 'tensorrt' else 'ONNX Runtime on the CPU'}"),
        ("encoder", f"{encoding.codec} {options}"),
        ("time", f"about {hours(guess.seconds)} at {guess.rate:.2f} frames/s; {guess.bottleneck} is the bottleneck"),
        ("memory", f"about {size(plan.memory)}" + gpu),
        ("disk", disk),
    ]


def _hdr(hdr: Hdr | None) -> dict[str, Any] | None:
    if hdr is None:
        return None
    return {
        "primaries": hdr.primaries and [[float(x), float(y)] for x, y in hdr.primaries],
        "luminance": hdr.luminance and [float(value) for value in hdr.luminance],
        "max_cll": hdr.light and hdr.light[0],
        "max_fall": hdr.light and hdr.light[1],
    }


def _as_json(media: MediaInfo, plan: Plan, guess: Estimate) -> dict[str, Any]:
    video = media.video
    return {
        "schema_version": 1,
        "path": media.path,
        "container": media.container,
        "duration": media.duration,
        "bytes": media.bytes,
        "video": {
            "codec": video.codec,
            "width": video.format.width,
            "height": video.format.height,
            "pixel_format": video.source_format,
            "rate": video.rate,
            "time_base": video.time_base,
            "start": video.start,
            "frames": video.frames,
            "sample_aspect": video.sample_aspect,
            "display_matrix": video.display_matrix,
            "matrix": colour_names(video.format.colour)[0],
            "full_range": video.format.colour.full_range,
            "primaries": video.format.colour.primaries,
            "transfer": video.format.colour.transfer,
            "siting": video.format.colour.siting.value,
            "tagged": video.tagged,
            "interlaced": video.scan.interlaced,
            "top_field_first": video.scan.top_first,
            "hdr": _hdr(video.hdr),
            "dynamic_hdr": video.dynamic_hdr,
        },
        "others": [dataclasses.asdict(stream) for stream in media.others],
        "plan": {
            "result": plan.target,
            "width": plan.encoding.format.width,
            "height": plan.encoding.format.height,
            "pixel_format": plan.encoding.format.pixel.name,
            "model": plan.model.name,
            "scale": plan.model.scale,
            "backend": plan.backend,
            "precision": plan.model.precision,
            "decoder": plan.decoder,
            "deinterlacing": plan.deinterlacing and dataclasses.asdict(plan.deinterlacing),
            "turned": None if plan.rotation is None else str(plan.rotation),
            "codec": plan.encoding.codec,
            "encoders": plan.encoding.encoders,
            "options": plan.encoding.options,
            "rate": round(guess.rate, 3),
            "seconds": guess.seconds,
            "bottleneck": guess.bottleneck,
            "wall": guess.bottleneck,  # its name in the version before
            "memory": plan.memory,
            "video_memory": plan.video_memory,
            "disk": plan.disk,
            "notes": [with_options(line) for line in plan.notes],
        },
    }
