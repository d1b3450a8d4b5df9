"""Whether addresses can be reached from where this runs: one line of JSON, for whoever reads the pod's log."""

import json
import socket
from collections.abc import Sequence

CONNECT_S = 3.0


def main(addresses: Sequence[str]) -> int:
    """`host:port` of each. Prints {"reached": [...], "unreached": [...]}; always 0: what is right, the caller knows."""
    reached, unreached = [], []
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
        except OSError as error:
            unreached.append(f"{address} {type(error).__name__}")
        else:
            reached.append(address)
    print(json.dumps({"reached": reached, "unreached": unreached}), flush=True)
    return 0
