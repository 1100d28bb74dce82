"""uprez: super-resolves video files and live streams.

    import pipeline

    result = pipeline.upscale("in.mp4", "out.mkv", model="clear-x2", crf=18)
    verdict = pipeline.verify("in.mp4", "out.mkv")

The names in `__all__` are the public API; everything else may change at any time. Names are imported when they are
first used, so that `import pipeline` alone takes no time.

- Files: `upscale`, `Job`, `Progress`, `Result`, `Settings`; `probe`, `MediaInfo`; `verify`, `Verdict`.
- Frames of your own: `Upscaler` (NumPy arrays, frames, arrays on the GPU), `UpscalerOptions`, `DeviceImage`.
- Live streams: `Live`, `LiveSettings`, `LiveFigures`.
- Errors: `UprezError` and its subclasses.
- Own pipelines: `make_plan`, `open_source`, `decoding_stage`, `open_session`, `Submit`, `Collect`, `RepeatDetector`,
  `open_sink`, `Stage`, `Chain`, `Pipeline`, `Frame`; networks by `find_model`, all names by `listed_models`.
- Quality: `read_frames`, `read_rgb`, `psnr`, `luma`, `bicubic`, `side_by_side`, `save_png`.
- Comparisons: `compare_models`, `compare_files`, `comparison_page`, `preview`.
- Measurements: `benchmark`, `StageBenchmark`, `benchmark_engines`, `frames_per_second`, `step_rates`,
  `measure_endurance`, `measure_stream_capacity`, `host_facts`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True; importing `typing` would be most of the time of this import

if TYPE_CHECKING:
    from typing import Any

    from pipeline.colour.convert import from_rgb, to_rgb
    from pipeline.colour.hdr_limit import limit_overshoot
    from pipeline.colour.psnr import luma, psnr, psnr_of_error
    from pipeline.colour.resample import bicubic
    from pipeline.config.live_settings import LiveSettings
    from pipeline.config.settings import Settings
    from pipeline.config.upscale_options import UpscaleOptions
    from pipeline.config.upscaler_options import UpscalerOptions
    from pipeline.diagnostics.benchmark import BenchmarkOptions, benchmark
    from pipeline.diagnostics.comparison.comparison import (
        Comparison,
        ComparisonOptions,
        compare_files,
        compare_models,
    )
    from pipeline.diagnostics.comparison.page import comparison_page
    from pipeline.diagnostics.comparison.preview import preview
    from pipeline.diagnostics.comparison.report import ComparisonReport, ComparisonRow, FrameQuality
    from pipeline.diagnostics.endurance import EnduranceReport, EnduranceSample, measure_endurance
    from pipeline.diagnostics.engine_benchmark import EngineBenchmarkOptions, benchmark_engines
    from pipeline.diagnostics.engine_report import EngineReport, EngineRow
    from pipeline.diagnostics.engines import (
        NetworkError,
        SerializedEngine,
        build_engine,
        engine_error,
        network_error,
    )
    from pipeline.diagnostics.host_facts import HostFacts, host_facts
    from pipeline.diagnostics.pattern_clip import PATTERN_DESCRIPTION, write_pattern
    from pipeline.diagnostics.quality import read_frames, read_rgb, save_png, side_by_side, to_8_bit
    from pipeline.diagnostics.report import BenchmarkReport, BenchmarkRow
    from pipeline.diagnostics.simulated_stream import StreamWorkload, stream_workload
    from pipeline.diagnostics.stage_benchmark import StageBenchmark
    from pipeline.diagnostics.step_rates import StepRate, step_rates
    from pipeline.diagnostics.stream_capacity import CapacityTrial, StreamCapacity, measure_stream_capacity
    from pipeline.errors import (
        BackendError,
        Cancelled,
        InputError,
        MismatchError,
        ModelError,
        OutOfMemory,
        OutputError,
        RefusedError,
        SettingsError,
        UprezError,
    )
    from pipeline.files.components import decoding_stage, open_sink, open_source
    from pipeline.files.job import Job, upscale
    from pipeline.files.plan import Plan, make_plan
    from pipeline.files.result import Result
    from pipeline.flow.pipeline import Pipeline
    from pipeline.flow.stage import Chain, Stage
    from pipeline.flow.telemetry import Progress, Trace
    from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, PixelFormat, Plane, Siting
    from pipeline.live.service import Live
    from pipeline.live.stats import Delay, LiveFigures, StreamFigures
    from pipeline.media.reading.media_info import MediaInfo
    from pipeline.media.reading.probe import probe
    from pipeline.models.catalogue import find as find_model
    from pipeline.models.listing import ListedModel, listed_models
    from pipeline.models.spec import ModelSpec
    from pipeline.superres.arrays.upscaler import Upscaler
    from pipeline.superres.backend_choice import choose_backend
    from pipeline.superres.gpu.lane_rate import frames_per_second
    from pipeline.superres.gpu.validation import reference_output as run_reference
    from pipeline.superres.repeats import RepeatDetector
    from pipeline.superres.session import Session
    from pipeline.superres.sessions import SessionRequest, open_session
    from pipeline.superres.stages import Collect, Submit
    from pipeline.system.device_array import DeviceImage
    from pipeline.system.onnx_runtime import load_onnx_runtime
    from pipeline.verification.compare import verify
    from pipeline.verification.verdict import Verdict

__version__ = "0.2.0"

# Module: the public names that it defines, each followed by =name if it has another name there.
_HOMES = {
    "pipeline.colour.convert": "from_rgb to_rgb",
    "pipeline.colour.hdr_limit": "limit_overshoot",
    "pipeline.colour.psnr": "luma psnr psnr_of_error",
    "pipeline.colour.resample": "bicubic",
    "pipeline.config.live_settings": "LiveSettings",
    "pipeline.config.settings": "Settings",
    "pipeline.config.upscale_options": "UpscaleOptions",
    "pipeline.config.upscaler_options": "UpscalerOptions",
    "pipeline.diagnostics.benchmark": "BenchmarkOptions benchmark",
    "pipeline.diagnostics.comparison.comparison": "Comparison ComparisonOptions compare_files compare_models",
    "pipeline.diagnostics.comparison.page": "comparison_page",
    "pipeline.diagnostics.comparison.preview": "preview",
    "pipeline.diagnostics.comparison.report": "ComparisonReport ComparisonRow FrameQuality",
    "pipeline.diagnostics.endurance": "EnduranceReport EnduranceSample measure_endurance",
    "pipeline.diagnostics.engine_benchmark": "EngineBenchmarkOptions benchmark_engines",
    "pipeline.diagnostics.engine_report": "EngineReport EngineRow",
    "pipeline.diagnostics.engines": "NetworkError SerializedEngine build_engine engine_error network_error",
    "pipeline.diagnostics.host_facts": "HostFacts host_facts",
    "pipeline.diagnostics.pattern_clip": "PATTERN_DESCRIPTION write_pattern",
    "pipeline.diagnostics.quality": "read_frames read_rgb save_png side_by_side to_8_bit",
    "pipeline.diagnostics.report": "BenchmarkReport BenchmarkRow",
    "pipeline.diagnostics.simulated_stream": "StreamWorkload stream_workload",
    "pipeline.diagnostics.stage_benchmark": "StageBenchmark",
    "pipeline.diagnostics.step_rates": "StepRate step_rates",
    "pipeline.diagnostics.stream_capacity": "CapacityTrial StreamCapacity measure_stream_capacity",
    "pipeline.errors": (
        "BackendError Cancelled InputError MismatchError ModelError OutOfMemory OutputError RefusedError "
        "SettingsError UprezError"
    ),
    "pipeline.files.components": "decoding_stage open_sink open_source",
    "pipeline.files.job": "Job upscale",
    "pipeline.files.plan": "Plan make_plan",
    "pipeline.files.result": "Result",
    "pipeline.flow.pipeline": "Pipeline",
    "pipeline.flow.stage": "Chain Stage",
    "pipeline.flow.telemetry": "Progress Trace",
    "pipeline.frame": "Colour Frame FrameFormat PIXEL_FORMATS PixelFormat Plane Siting",
    "pipeline.live.service": "Live",
    "pipeline.live.stats": "Delay LiveFigures StreamFigures",
    "pipeline.media.reading.media_info": "MediaInfo",
    "pipeline.media.reading.probe": "probe",
    "pipeline.models.catalogue": "find_model=find",
    "pipeline.models.listing": "ListedModel listed_models",
    "pipeline.models.spec": "ModelSpec",
    "pipeline.superres.arrays.upscaler": "Upscaler",
    "pipeline.superres.backend_choice": "choose_backend",
    "pipeline.superres.gpu.lane_rate": "frames_per_second",
    "pipeline.superres.gpu.validation": "run_reference=reference_output",
    "pipeline.superres.repeats": "RepeatDetector",
    "pipeline.superres.session": "Session",
    "pipeline.superres.sessions": "SessionRequest open_session",
    "pipeline.superres.stages": "Collect Submit",
    "pipeline.system.device_array": "DeviceImage",
    "pipeline.system.onnx_runtime": "load_onnx_runtime",
    "pipeline.verification.compare": "verify",
    "pipeline.verification.verdict": "Verdict",
}

# Old public name: new name. An entry is removed one version after the one that introduced the new name.
_RENAMED: dict[str, str] = {"FrameCost": "StepRate", "frame_costs": "step_rates"}

__all__ = [
    "PATTERN_DESCRIPTION",
    "PIXEL_FORMATS",
    "BackendError",
    "BenchmarkOptions",
    "BenchmarkReport",
    "BenchmarkRow",
    "Cancelled",
    "CapacityTrial",
    "Chain",
    "Collect",
    "Colour",
    "Comparison",
    "ComparisonOptions",
    "ComparisonReport",
    "ComparisonRow",
    "Delay",
    "DeviceImage",
    "EnduranceReport",
    "EnduranceSample",
    "EngineBenchmarkOptions",
    "EngineReport",
    "EngineRow",
    "Frame",
    "FrameFormat",
    "FrameQuality",
    "HostFacts",
    "InputError",
    "Job",
    "ListedModel",
    "Live",
    "LiveFigures",
    "LiveSettings",
    "MediaInfo",
    "MismatchError",
    "ModelError",
    "ModelSpec",
    "NetworkError",
    "OutOfMemory",
    "OutputError",
    "Pipeline",
    "PixelFormat",
    "Plan",
    "Plane",
    "Progress",
    "RefusedError",
    "RepeatDetector",
    "Result",
    "SerializedEngine",
    "Session",
    "SessionRequest",
    "Settings",
    "SettingsError",
    "Siting",
    "Stage",
    "StageBenchmark",
    "StepRate",
    "StreamCapacity",
    "StreamFigures",
    "StreamWorkload",
    "Submit",
    "Trace",
    "UprezError",
    "UpscaleOptions",
    "Upscaler",
    "UpscalerOptions",
    "Verdict",
    "benchmark",
    "benchmark_engines",
    "bicubic",
    "build_engine",
    "choose_backend",
    "compare_files",
    "compare_models",
    "comparison_page",
    "decoding_stage",
    "engine_error",
    "find_model",
    "frames_per_second",
    "from_rgb",
    "host_facts",
    "limit_overshoot",
    "listed_models",
    "load_onnx_runtime",
    "luma",
    "make_plan",
    "measure_endurance",
    "measure_stream_capacity",
    "network_error",
    "open_session",
    "open_sink",
    "open_source",
    "preview",
    "probe",
    "psnr",
    "psnr_of_error",
    "read_frames",
    "read_rgb",
    "run_reference",
    "save_png",
    "side_by_side",
    "step_rates",
    "stream_workload",
    "to_8_bit",
    "to_rgb",
    "upscale",
    "verify",
    "write_pattern",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    import importlib

    if name in _RENAMED:
        import warnings

        message = f"pipeline.{name} is now pipeline.{_RENAMED[name]}; the old name will be removed in the next version"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return __getattr__(_RENAMED[name])
    for module, names in _HOMES.items():
        for entry in names.split():
            public, _, own = entry.partition("=")
            if public == name:
                value = globals()[name] = getattr(importlib.import_module(module), own or public)
                return value
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
