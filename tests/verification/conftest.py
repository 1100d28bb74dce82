"""Sources in whose copies faults are planted."""

from pathlib import Path

import pytest
from av.stream import Disposition

from tests import remux
from tests.verification import plants


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four frames, each unlike its neighbours."""
    return plants.write(tmp_path_factory.mktemp("source") / "source.mkv")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with two audio streams, subtitles, two chapters, an attachment and a title."""
    titles = ("One", "Two")
    return remux.write_source(
        tmp_path_factory.mktemp("rich") / "rich.mkv",
        remux.audio_track(remux.make_clicks(), language="eng", title="Loud", disposition=int(Disposition.default)),
        remux.audio_track(remux.make_clicks()[:, ::-1].copy(), language="fre", title="Backwards"),
        remux.cues("subrip", (0, 400, b"first"), (900, 500, b"<i>second</i>"), language="eng"),
        remux.attached("font.ttf", "font/ttf", b"glyphs"),
        metadata={"title": "a film", "artist": "somebody"},
        chapters=[
            {"id": i, "start": 1000 * i, "end": 1000 * i + 1000, "time_base": plants.MS, "metadata": {"title": title}}
            for i, title in enumerate(titles)
        ],
    )
