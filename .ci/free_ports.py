"""Picks free ports, for programs that don't tell which one the system chose for port 0.

    free_ports.py COUNT
"""

import errno
import random
import socket
import sys


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, each another one. They lie below 32768: from there on, the system gives ports to
    clients, perhaps before the server for which one was picked takes it."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", random.randrange(10_000, 32_768)))
            except OSError as error:
                probe.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))
