"""Drives a command of the runtime on a terminal. One argument, JSON:
  command  the command line
  socket   path of a console socket to listen on; without it the command runs on a new terminal of its own, in the foreground
  size     [rows, columns] of that terminal
  steps    what happens on it: ["expect", text], ["send", text], ["size", [rows, columns]], ["raw"] (note whether it is in raw
           mode), ["run", command line]
Prints JSON: status and output of the command, what the steps noted, and with a socket what came over it.
"""

import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60


def resize(fd, size):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))


class Terminal:
    def __init__(self, master):
        self.master = master
        self.output = b""
        self.seen = 0

    def read(self, seconds):
        """Takes what comes within that time; false at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: every slave is closed.
            return False
        self.output += data
        return data != b""

    def expect(self, text):
        end = time.monotonic() + PATIENCE
        while (at := self.output.find(text.encode(), self.seen)) < 0:
            if not self.read(0.2) or time.monotonic() > end:
                raise RuntimeError(f"{text!r} does not come: {self.output[-2000:]!r}")
        self.seen = at + len(text.encode())


def take_steps(request, terminal, slave, result):
    for name, *arguments in request.get("steps", []):
        if name == "expect":
            terminal.expect(*arguments)
        elif name == "send":
            os.write(terminal.master, arguments[0].encode())
        elif name == "size":
            resize(terminal.master, arguments[0])
        elif name == "raw":
            result["raw"].append(not termios.tcgetattr(slave)[3] & termios.ICANON)
        elif name == "run":
            ended = subprocess.run(arguments[0], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if ended.returncode != 0:
                raise RuntimeError(f"{arguments[0]}: {ended.stderr}")
        else:
            raise RuntimeError(f"unknown step {name}")


def start_on(slave, command):
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 100)
        os.execvp(command[0], command)
    return child


def foreground(request, result):
    master, slave = os.openpty()
    resize(master, request.get("size", [24, 80]))
    before = termios.tcgetattr(slave)
    child = start_on(slave, request["command"])
    terminal = Terminal(master)
    try:
        take_steps(request, terminal, slave, result)
    except RuntimeError as error:
        result["error"] = str(error)
        os.kill(child, 9)
    # The slave stays open here, so that its settings can be compared: the end is the child's, and that nothing more comes.
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        terminal.read(0.02)
    while select.select([master], [], [], 0.05)[0]:
        terminal.read(0)
    status = os.waitstatus_to_exitcode(ended[1])
    result["status"] = 128 - status if status < 0 else status
    result["restored"] = termios.tcgetattr(slave) == before
    result["output"] = terminal.output.decode(errors="replace")


def over_socket(request, result):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(request["socket"])
    listener.listen(8)
    command = subprocess.Popen(
        request["command"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not select.select([listener], [], [], 0.05)[0]:
        if command.poll() is not None:
            raise RuntimeError(f"no terminal comes: {command.communicate()[0]}")
    connection = listener.accept()[0]
    connection.settimeout(PATIENCE)
    data, fds, _, _ = socket.recv_fds(connection, 4096, 8)
    result["name"], result["fds"] = data.decode(), len(fds)
    result["rest"] = len(connection.recv(4096))
    result["printed"] = command.communicate(timeout=PATIENCE)[0]
    result["status"] = command.returncode
    result["connections"] = 2 if select.select([listener], [], [], 0)[0] else 1
    terminal = Terminal(fds[0])
    try:
        take_steps(request, terminal, fds[0], result)
    finally:
        result["output"] = terminal.output.decode(errors="replace")


def main():
    request = json.loads(sys.argv[1])
    result = {"raw": []}
    try:
        (over_socket if "socket" in request else foreground)(request, result)
    except RuntimeError as error:
        result["error"] = str(error)
    json.dump(result, sys.stdout)


main()
