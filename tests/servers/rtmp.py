"""A real RTMP server: nginx with its rtmp module, as the current user, in a folder of its own."""

from __future__ import annotations

import shutil

from tests.servers.needs import RTMP_MODULE
from tests.servers.server import Server

_CONF = """
load_module {module};
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 64; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        chunk_size 4096;
        application live {{ live on; wait_key on; interleave on; }}
    }}
}}
"""


class RtmpServer(Server):
    """Relays a stream published at rtmp://127.0.0.1:PORT/live/KEY to any number of viewers there."""

    def command(self) -> list[str]:
        conf = self.folder / "nginx.conf"
        conf.write_text(_CONF.format(module=RTMP_MODULE, folder=self.folder, port=self.port))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
        assert nginx, "nginx is not installed: see requires('nginx-rtmp')"
        return [nginx, "-p", str(self.folder), "-c", str(conf), "-e", "stderr"]

    def address(self, key: str = "video") -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/{key}"
