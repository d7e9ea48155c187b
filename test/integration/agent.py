"""agent.py SOCKET COUNT: a seccomp agent. Listens, prints "ready", takes COUNT listeners and prints what came with each as a line of
JSON. Answers every call: mkdir(2) with errno 42, any other is let through."""
import array, ctypes, fcntl, json, os, socket, struct, sys, threading

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
CONTINUE = 1
MKDIR = 83

def answer(fd):
    while True:
        request = bytearray(80)
        try:
            fcntl.ioctl(fd, RECV, request)
            number, = struct.unpack_from('i', request, 16)
            identity, = struct.unpack_from('Q', request, 0)
            reply = struct.pack('QqiI', identity, 0, -42 if number == MKDIR else 0, 0 if number == MKDIR else CONTINUE)
            print(json.dumps({'call': number}), flush=True)
            fcntl.ioctl(fd, SEND, bytearray(reply))
        except OSError as error:
            if error.errno not in (4, 2):  # interrupted, or gone
                return

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen()
print('ready', flush=True)
for _ in range(int(sys.argv[2])):
    connection, _ = server.accept()
    text, fds = b'', []
    while True:
        part, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4 * 8))
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds += list(array.array('i', data))
        if not part:
            break
        text += part
    print(json.dumps({'state': json.loads(text), 'descriptors': len(fds), 'link': os.readlink(f'/proc/self/fd/{fds[0]}')}), flush=True)
    threading.Thread(target=answer, args=(fds[0],)).start()
