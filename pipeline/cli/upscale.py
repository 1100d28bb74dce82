"""`uprez upscale`: one file, many, or a folder.

What needs PyAV, NumPy and a network is imported when the command runs, while CUDA is being initialised.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.exit_codes import EXIT_BAD, EXIT_DAMAGED, EXIT_STOPPED
from pipeline.cli.options import with_settings
from pipeline.config.settings import Settings
from pipeline.system.cuda_warm_up import cuda_warmed_up


@with_settings("to", *(name for name in Settings.model_fields if name != "to"))
def upscale(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A video, an image, numbered images such as 'in/%05d.png', or - for standard input; optionally "
            "followed by the output. Or several sources, a folder or a pattern: their outputs are written beside them, "
            "or into the folder --to.",
            show_default=False,
        ),
    ],
    *,
    settings: Settings,
) -> None:
    """Upscale videos and images.

    in.mp4 becomes in.x2.mkv, with its audio, subtitles, chapters and tags.

    Exit codes: 0 all outputs are complete, 2 an error, 3 all done, but a source is damaged, 130 stopped.
    """
    with cuda_warmed_up(settings.device if settings.backend != "onnx" else ()):
        from pipeline.cli.batch import Batch

        batch = Batch(settings)
        batch.process(sources)
    batch.summarise()
    if batch.job.stopped:
        raise typer.Exit(EXIT_STOPPED)
    if batch.failures:
        raise typer.Exit(EXIT_BAD)
    if not all(result.source_intact for result in batch.results):
        raise typer.Exit(EXIT_DAMAGED)
