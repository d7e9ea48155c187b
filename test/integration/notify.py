"""A service manager that listens at NOTIFY_SOCKET: notify.py SOCKET [deaf]

Prints "ready" when it listens, and then every message as a JSON object in a line: its text and how many descriptors came with it,
which it closes; with "deaf" it keeps them, as one that does not know BARRIER=1 might. A socket that begins with @ is abstract.
"""
import json
import os
import socket
import sys

name = sys.argv[1]
deaf = sys.argv[2:] == ["deaf"]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
    listener.bind("\0" + name[1:] if name.startswith("@") else name)
    print("ready", flush=True)
    while True:
        data, fds, _, _ = socket.recv_fds(listener, 65536, 4)
        print(json.dumps({"text": data.decode(errors="replace"), "fds": len(fds)}), flush=True)
        for fd in fds:
            if not deaf:
                os.close(fd)
