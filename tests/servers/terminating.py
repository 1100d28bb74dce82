"""Ends TLS, and passes on what it held. For tls.py, which says how."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from asyncio import StreamReader, StreamWriter

from tests.servers import program

_MOST_AT_ONCE = 1 << 16


async def serve(port: int, to: int, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def taken(reader: StreamReader, writer: StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(passed_on(reader, behind_writer), passed_on(behind_reader, writer))

    server = await asyncio.start_server(taken, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


async def passed_on(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_MOST_AT_ONCE):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(**program.settings()))
