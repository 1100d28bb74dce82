"""`uprez preview`: an image of one frame before and after upscaling."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli.console import err, out
from pipeline.cli.options import MODEL_OPTIONS, SESSION_OPTIONS, time_of, with_settings
from pipeline.config.settings import Settings
from pipeline.diagnostics.comparison.preview import preview as preview_image
from pipeline.diagnostics.output_file import check_output_file, name_beside, write_output_file
from pipeline.diagnostics.quality import encode_png


@with_settings("model", *MODEL_OPTIONS, *SESSION_OPTIONS, "deinterlace", "video_stream", "strict", "overwrite")
def preview(
    source: Annotated[Path, typer.Argument(help="A video, an image, or numbered images such as 'in/%05d.png'.")],
    output: Annotated[
        Path | None, typer.Argument(help="The image, a .png file (default: NAME.preview.png).", show_default=False)
    ] = None,
    *,
    settings: Settings,
    at: Annotated[
        str | None, typer.Option("--at", help="The time of the frame, counted from the first one, such as 1:00.")
    ] = None,
) -> None:
    """Make an image of one frame before and after upscaling.

    Before is the frame, enlarged by bicubic resampling; after is the model's output.
    """
    target = output or name_beside(source, "preview.png")
    check_output_file(target, [source], settings.overwrite)
    with err.status("upscaling one frame"):
        image = preview_image(source, settings.model_copy(update={"start": time_of("--at", at)}))
        write_output_file(target, encode_png(image), settings.overwrite)
    out.print(escape(str(target)))
