"""Upscale what OpenCV captures, frame by frame, and write images or show them.

python samples/opencv_frames.py [SOURCE [FOLDER]]      # default: the sample clip; images are written to frames/
python samples/opencv_frames.py 0 show                 # camera 0 in a window, which needs opencv-python; Esc ends it
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")
ESCAPE = 27


def captured(capture: cv2.VideoCapture) -> Iterator[cv2.typing.MatLike]:
    while True:
        succeeded, image = capture.read()  # (H, W, 3) uint8 of blue, green, red
        if not succeeded:
            return
        yield image


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(CLIP)
    to = sys.argv[2] if len(sys.argv) > 2 else "frames"
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        raise SystemExit(f"{source}: OpenCV can't open it; name a video or the number of a camera")
    with pipeline.Upscaler("clear-x2", order="bgr") as upscaler:  # as OpenCV orders the channels
        for number, image in enumerate(upscaler.stream(captured(capture))):
            if to == "show":
                cv2.imshow("uprez", image)
                if cv2.waitKey(1) == ESCAPE:
                    break
            else:
                Path(to).mkdir(exist_ok=True)
                cv2.imwrite(str(Path(to) / f"{number:05d}.png"), image)
    capture.release()


if __name__ == "__main__":
    main()
