"""Somebody who waits for a pidfd: pidfd.py SOCKET

Prints "ready" when it listens. "next" on standard input: it waits for a descriptor and prints, as a JSON object in a line, the text
that came with it and the processes that the descriptors stand for (fdinfo, which has a pid for nothing but a pidfd). Then "kill" ends
the process through the descriptor, and any other line lets go of it.
"""
import array
import json
import os
import signal
import socket
import sys


def receive(listener):
    connection, _ = listener.accept()
    with connection:
        fds = array.array("i")
        text, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * fds.itemsize))
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data)
        rest = connection.recv(4096)
    return (text + rest).decode(), list(fds)


def process(fd):
    with open(f"/proc/self/fdinfo/{fd}") as info:
        fields = dict(line.split(":", 1) for line in info)
    return int(fields["Pid"])


with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    while sys.stdin.readline() == "next\n":
        text, fds = receive(listener)
        print(json.dumps({"text": text, "pids": [process(fd) for fd in fds]}), flush=True)
        if sys.stdin.readline() == "kill\n":
            signal.pidfd_send_signal(fds[0], signal.SIGKILL)
        for fd in fds:
            os.close(fd)
