# SPDX-License-Identifier: Apache-2.0
"""The language of hack/vm: client, keeper and the agent in the guest send each other frames.

A frame is a type, the number of the command it belongs to, a length and that many bytes. The
same frames travel over the keeper's socket and over the guest's serial line; the keeper only
changes the number, because each client counts from its own."""

import json
import struct

HELLO = 1   # agent ->     what the guest is, as JSON; also the answer to a new client
EXEC = 2    # -> agent     start a command, as JSON: argv, env, cwd, deadline, pty
INPUT = 3   # -> agent     bytes for its standard input; none: end of file
ACK = 4     # agent ->     how many bytes of input were taken, as text; number 0: off the line
OUTPUT = 5  # agent ->     bytes of its standard output
ERROR = 6   # agent ->     bytes of its standard error
EXIT = 7    # agent ->     it ended, as JSON: status, reason
KILL = 8    # -> agent     end it and all it started
STOP = 9    # -> keeper    end the guest
WINDOW = 10  # -> agent    new size of the terminal, as JSON: rows, columns
RESET = 11  # -> keeper    end the guest as a power cut does, and start it anew from its disk

HEADER = struct.Struct(">BII")
CHUNK = 32 << 10    # bytes of output in one frame at most
CREDIT = 256 << 10  # bytes of input for a command on their way at most

# Bytes on their way over a serial line at most, less than a tty buffers: User-mode Linux never
# reads a line again that the tty layer once throttled (seen in Linux 7.2).
WINDOW_OF_TTY = 3 << 10


def pack(kind, number, payload=b""):
    if isinstance(payload, (dict, list)):
        payload = json.dumps(payload).encode()
    return HEADER.pack(kind, number, len(payload)) + payload


class Reader:
    """Bytes in, whole frames out."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        frames, at = [], 0
        while len(self.buffer) - at >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self.buffer, at)
            if not HELLO <= kind <= RESET or length > 1 << 20:
                raise ValueError(f"not a frame: type {kind}, length {length}")
            if len(self.buffer) - at < HEADER.size + length:
                break
            at += HEADER.size
            frames.append((kind, number, bytes(self.buffer[at:at + length])))
            at += length
        del self.buffer[:at]
        return frames
