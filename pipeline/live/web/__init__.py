"""A web page that shows running streams, and endpoints with their figures for programs."""

from pipeline.live.web.server import Page, serve

__all__ = ["Page", "serve"]
