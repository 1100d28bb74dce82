"""`uprez compare`: networks on a piece of a video, or finished files, one row after the other.

One video gives the times: the clip; of finished files the reference, or the first of them. Every other video is read
once for each row, in step with these times, so that few frames are in memory beside the images that the page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.config.target_fields import Size
from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.measurement import ComparedVideo, Measurement, clip_size
from pipeline.diagnostics.comparison.notes import clip_notes
from pipeline.diagnostics.comparison.report import ComparisonReport, ComparisonRow
from pipeline.diagnostics.comparison.shown_frames import ShownFrames
from pipeline.diagnostics.comparison.timeline import Timeline
from pipeline.diagnostics.comparison.views import ClipView, Image, SessionView
from pipeline.diagnostics.host_facts import host_facts
from pipeline.diagnostics.session_rate import measure_session_rate
from pipeline.errors import BackendError, ModelError, UprezError
from pipeline.frame import Frame
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.sessions import SessionRequest, open_session

OnStep = Callable[[str], None]

_RATE_FRAMES = 8  # of the clip, with which the rate of a session is measured


@dataclass(frozen=True)
class ComparisonOptions:
    """How to compare.

    Attributes:
        settings: `start` and `end` limit what is compared; backend, device and the like are those of `upscale`.
        reference: The original, which the source or the files were made from; None: no figures of quality.
        every: Show each frame of this distance, from the first on; None: frames that are spread over the piece.
    """

    settings: Settings
    reference: str | Path | None = None
    every: int | None = None


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison.

    Attributes:
        report: All figures.
        images: For each row of the report, what the page shows of it: arrays (H, W, 3) of uint8, RGB, by their index
            into the report's times.
        sample_aspect: Width of a sample divided by its height.
    """

    report: ComparisonReport
    images: tuple[dict[int, Image], ...]
    sample_aspect: float


def compare_models(
    source: str | Path, models: Sequence[str], options: ComparisonOptions, on_step: OnStep = lambda _: None
) -> Comparison:
    """Run several networks on a piece of a video, beside bicubic resampling.

    A network that can't be used becomes a row with the reason, unless that is so for all of them from the beginning.

    Args:
        source: A video, an image, or a pattern of numbered images.
        models: Names, or model files.
        options: How to compare.
        on_step: Called with a description of each step.

    Raises:
        InputError: Source or reference can't be read, or there is no frame in the piece.
        ModelError, BackendError: None of the networks can be used; that of the first one.
    """
    source = Path(source)
    on_step(f"reading {source.name}")
    settings = options.settings
    clip, reference = Clip(source, settings), _open_reference(options)
    found = {name: _find(name, clip, settings) for name in dict.fromkeys(models)}
    usable = [each for each in found.values() if isinstance(each, FoundModel)]
    for failure in found.values():
        if isinstance(failure, UprezError) and not usable:
            raise failure
    scale = max((each.request.model.scale for each in usable), default=1)
    size = _size_of(reference) if reference else _size_of(clip, scale)
    run = _measurement(clip, size, reference, len(found) + 1, options, on_step)
    videos = [run.measure(ComparisonRow(name="bicubic", kind="bicubic", size=clip_size(clip)), ClipView(clip))]
    for name, model in found.items():
        row = ComparisonRow(name=name, kind="model")
        if isinstance(model, FoundModel):
            videos.append(_measure_model(run, row, clip, model.request))
        else:
            videos.append(ComparedVideo(row.model_copy(update={"failure": str(model)}), {}))
    on_gpu = any(each.request.backend == "tensorrt" for each in usable)
    notes = dict.fromkeys(each.note for each in usable if each.note)
    return _finish(run, [clip], videos, settings.device if on_gpu else (), [*notes])


def compare_files(
    files: Sequence[str | Path], options: ComparisonOptions, on_step: OnStep = lambda _: None
) -> Comparison:
    """Compare finished files, the frames of the same times with each other.

    Args:
        files: Videos; without a reference, the times of the first one are those that are compared.
        options: How to compare.
        on_step: Called with a description of each step.

    Raises:
        InputError: A file can't be read, or there is no frame in the piece.
    """
    paths = [Path(file) for file in files]
    on_step(f"reading {paths[0].name}")
    reference = _open_reference(options)
    clips = [Clip(path, options.settings) for path in dict.fromkeys(paths)]
    size = _size_of(reference or max(clips, key=lambda clip: clip.format.width * clip.format.height))
    run = _measurement(reference or clips[0], size, reference, len(clips), options, on_step)
    videos = [
        run.measure(ComparisonRow(name=_name(clip, clips), kind="file", size=clip_size(clip)), ClipView(clip))
        for clip in clips
    ]
    return _finish(run, clips, videos, (), [])


def _open_reference(options: ComparisonOptions) -> Clip | None:
    """The reference: its own first video stream, whichever of the source is compared."""
    settings = options.settings.model_copy(update={"video_stream": None})
    return Clip(Path(options.reference), settings) if options.reference else None


@dataclass(frozen=True)
class FoundModel:
    """A network that may be used.

    Attributes:
        request: For its session, on the backend that `upscale` would choose for it.
        note: What to know of that choice; None: nothing.
    """

    request: SessionRequest
    note: str | None


def _find(name: str, clip: Clip, settings: Settings) -> FoundModel | UprezError:
    """The network of that name for the frames of `clip`, or the reason why it can't be used."""
    settings = settings.model_copy(update={"model": name})
    try:
        backend, note = choose_backend(settings)
        return FoundModel(SessionRequest(backend, choose_model(settings, backend), clip.format, settings), note)
    except (ModelError, BackendError) as error:
        return error


def _size_of(clip: Clip, scale: int = 1) -> Size:
    return clip.format.width * scale, clip.format.height * scale


def _name(clip: Clip, clips: Sequence[Clip]) -> str:
    """The name of a file, with its folder if another one has the same name."""
    is_unique = [each.path.name for each in clips].count(clip.path.name) == 1
    return clip.path.name if is_unique else str(clip.path)


def _measurement(
    timed: Clip, size: Size, reference: Clip | None, rows: int, options: ComparisonOptions, on_step: OnStep
) -> Measurement:
    """The measurement at the times of the clip `timed`."""
    timeline = Timeline(timed.times())
    shown = ShownFrames.choose(len(timeline.times), size, rows + bool(reference), options.every)
    return Measurement(timeline, size, shown, reference, on_step)


def _measure_model(run: Measurement, row: ComparisonRow, clip: Clip, request: SessionRequest) -> ComparedVideo:
    """The images, the figures and the rate of a network, or the reason why there are none."""
    run.on_step(f"{row.name}: starting")
    try:
        with open_session(request) as session:
            output = f"{session.output.width}x{session.output.height}"
            found = {"size": output, "scale": request.model.scale, "backend": session.backend}
            video = run.measure(row.model_copy(update=found), SessionView(clip, session))
            run.on_step(f"{row.name}: measuring its rate")
            rate = measure_session_rate(session, _first_frames(clip))
            return ComparedVideo(video.row.model_copy(update={"rate": rate}), video.images)
    except (ModelError, BackendError) as error:
        return ComparedVideo(row.model_copy(update={"failure": str(error)}), {})


def _first_frames(clip: Clip) -> list[Frame]:
    """Copies of the first frames of a clip."""
    copies = []
    with closing(clip.frames()) as frames:
        for timed in islice(frames, _RATE_FRAMES):
            copies.append(replace(timed.frame, planes=tuple(plane.copy() for plane in timed.frame.planes)))
            timed.frame.release()
    return copies


def _finish(
    run: Measurement, clips: list[Clip], videos: list[ComparedVideo], gpus: Sequence[int], notes: list[str]
) -> Comparison:
    """The outcome, with the reference as its first row."""
    reference, frames = run.reference, len(run.timeline.times)
    if reference:
        videos = [run.reference_video(reference), *videos]
    report = ComparisonReport(
        **host_facts(gpus).model_dump(),
        source=clips[0].path.name,
        reference=reference.path.name if reference else None,
        size=f"{run.size[0]}x{run.size[1]}",
        times=list(run.timeline.times),
        shown=list(run.shown.indices),
        notes=[
            *notes,
            *clip_notes([*clips, *([reference] if reference else [])], run.size),
            *run.shown.notes(frames, run.size),
        ],
        rows=[video.row for video in videos],
    )
    return Comparison(report, tuple(video.images for video in videos), float((reference or clips[0]).sample_aspect))
