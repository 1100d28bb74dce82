"""The limit of unsent data of TCP connections."""

import socket
import sys

import pytest

from pipeline.live.output.send_buffer import limit_unsent_data


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the open files of a process")
def test_open_tcp_connections_are_limited() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
        socket.socket(socket.AF_UNIX) as other,
    ):
        limit_unsent_data()
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 128 << 10
        assert other.fileno() >= 0
