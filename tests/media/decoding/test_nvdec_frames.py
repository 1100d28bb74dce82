"""Events of frames in GPU memory, with stand-ins for the GPU and for frames of FFmpeg."""

from types import SimpleNamespace
from typing import Any

from pipeline.frame import DevicePlane
from pipeline.media.decoding.nvdec_frames import NvdecFrames
from tests.frames import format_of

FORMAT = format_of("nv12")


def decoded_frame(name: str = "cuda") -> Any:
    planes = [SimpleNamespace(buffer_ptr=4096, line_size=512), SimpleNamespace(buffer_ptr=8192, line_size=256)]
    return SimpleNamespace(format=SimpleNamespace(name=name), planes=planes)


class Recorder:
    """A stand-in for a Gpu. Its events are numbers, in the order in which they were recorded."""

    def __init__(self) -> None:
        self.events = 0

    def decoded_event(self) -> int:
        self.events += 1
        return self.events


def nvdec_frames() -> tuple[NvdecFrames, Recorder]:
    gpu: Any = Recorder()
    return NvdecFrames(gpu), gpu


def test_frames_that_were_yielded_together_share_an_event() -> None:
    frames, gpu = nvdec_frames()
    batches = [[decoded_frame(), decoded_frame()], [], [decoded_frame()]]
    events = []
    for batch in batches:
        frames.mark_decoded(batch)
        events += [frames.make(frame, FORMAT, 0, 1).decoded for frame in batch]
    assert events == [1, 1, 2]
    assert gpu.events == 2


def test_frames_in_main_memory_have_no_event() -> None:
    frames, gpu = nvdec_frames()
    frames.mark_decoded([decoded_frame("yuv420p")])
    assert gpu.events == 0


def test_frames_are_released_and_located_in_gpu_memory() -> None:
    frame = NvdecFrames(None).make(decoded_frame(), FORMAT, 7, 2)
    assert (frame.pts, frame.duration, frame.planes, frame.decoded) == (7, 2, (), None)
    assert frame.device_planes == (DevicePlane(4096, 512), DevicePlane(8192, 256))
    owner = frame.release.__self__  # type: ignore[attr-defined]
    assert len(owner) == 1
    frame.release()
    assert owner == []
