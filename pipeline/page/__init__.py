"""A page that shows running streams in a browser, and their figures for programs."""

from pipeline.page.server import Page, serve

__all__ = ["Page", "serve"]
