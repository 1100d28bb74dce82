"""A page that shows running streams in a browser, and their figures for programs."""

from pipeline.live.web.server import Page, serve

__all__ = ["Page", "serve"]
