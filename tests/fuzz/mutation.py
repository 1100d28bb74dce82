"""Mutation of bytes: flips, numbers at the edges, cuts, repetitions, insertions."""

from __future__ import annotations

from random import Random

_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


def mutated(data: bytes, random: Random, most: int = 6) -> bytes:
    """`data` after one to `most` changes that `random` chooses."""
    content = bytearray(data)
    for _ in range(random.randint(1, most)):
        at = random.randrange(len(content) + 1)
        match random.randrange(6):
            case 0 if content:
                content[at % len(content)] ^= 1 << random.randrange(8)
            case 1:
                width = random.choice((1, 2, 4, 8))
                edge = random.choice(_EDGES) & ((1 << 8 * width) - 1)
                content[at : at + width] = edge.to_bytes(width, random.choice(("big", "little")))
            case 2:
                del content[at:]
            case 3:
                del content[at : at + random.randrange(1, 9)]
            case 4:
                content[at:at] = content[at : at + random.randrange(1, 65)] * random.randrange(1, 4)
            case _:
                content[at:at] = random.randbytes(random.randrange(1, 9))
    return bytes(content)
