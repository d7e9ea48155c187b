"""A person at a terminal: standard input says what to do, a JSON object a line, and standard output is what the terminal shows.

terminal.py run COMMAND ...     runs a command on a new terminal; ends with its status, 128 + n for a signal
terminal.py console SOCKET      waits on a console socket for the master of a terminal; ends when nobody has the terminal open

{"type": TEXT} types, {"resize": [ROWS, COLUMNS]} resizes.
"""
import array
import fcntl
import json
import os
import pty
import selectors
import socket
import struct
import sys
import termios


def resize(master, rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def run(command):
    pid, master = pty.fork()
    if pid == 0:
        # The size is set before anybody looks.
        resize(0, 24, 80)
        os.execvp(command[0], command)
    return master, lambda: os.waitpid(pid, 0)[1]


def receive(path):
    """The first descriptor that somebody sends, the name that comes with it aside."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        connection, _ = listener.accept()
    with connection:
        fds = array.array("i")
        _, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(fds.itemsize))
        fds.frombytes(control[0][2][: fds.itemsize])
    return fds[0], lambda: 0


def obey(master, line):
    order = json.loads(line)
    if "resize" in order:
        resize(master, *order["resize"])
    if "type" in order:
        os.write(master, order["type"].encode())


def attend(master):
    orders = b""
    selector = selectors.DefaultSelector()
    selector.register(master, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            try:
                data = os.read(key.fd, 65536)
            except OSError:
                # EIO: nobody has the other side open any more.
                data = b""
            if key.fd == master:
                if not data:
                    return
                os.write(1, data)
                continue
            if not data:
                selector.unregister(0)
            *lines, orders = (orders + data).split(b"\n")
            for line in lines:
                obey(master, line)


terminal, status = run(sys.argv[2:]) if sys.argv[1] == "run" else receive(sys.argv[2])
attend(terminal)
sys.exit(os.waitstatus_to_exitcode(status()) % 256 if sys.argv[1] == "run" else 0)
