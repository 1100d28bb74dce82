"""A child for tests: it sends back each message. "sleep" makes it stop reading, "print" print, "fail" raise,
"take memory" take too much; to "environment" it answers with its own.
"""

import os
import time

from pipeline.live.process.child import Parent, serve


def work(parent: Parent) -> None:
    while True:
        message = parent.receive()
        if message == "sleep":
            time.sleep(1000)
        if message == "print":
            print("not a message", flush=True)
        if message == "fail":
            raise KeyError("a secret")
        if message == "take memory":
            bytes(2 << 30)
        parent.send(dict(os.environ) if message == "environment" else message)


if __name__ == "__main__":
    serve(work)
