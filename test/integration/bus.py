"""bus.py SOCKET MODE: a D-Bus server that a systemd seems to be behind. Prints `ready`, then a line for each call.

MODE  silent      accepts, and says nothing
      deaf        greets, and answers no call
      hangup      greets, and closes at the first call
      stranger    a bus without systemd
      refused     StartTransientUnit is an error, about the property TasksMax
      failed, canceled
                  the job that StartTransientUnit starts ends so
      endless     it never ends
"""
import os
import socket
import struct
import sys

path, mode = sys.argv[1:]
JOB = '/org/freedesktop/systemd1/job/1'


def say(line):
    print(line, flush=True)


def aligned(data, to):
    return data + b'\0' * (-len(data) % to)


def text(value):
    raw = value.encode()
    return struct.pack('<I', len(raw)) + raw + b'\0'


def message(kind, fields, body=b''):
    """fields: (code, signature, value)"""
    header = b''
    for code, signature, value in fields:
        header = aligned(header, 8) + bytes([code, 1]) + signature.encode() + b'\0'
        if signature == 'u':
            header = aligned(header, 4) + struct.pack('<I', value)
        elif signature == 'g':
            header += bytes([len(value)]) + value.encode() + b'\0'
        else:
            header = aligned(header, 4) + text(value)
    start = struct.pack('<BBBBIII', ord('l'), kind, 1, 1, len(body), 1, len(header))
    return aligned(start + header, 8) + body


def reply(serial, signature='', body=b''):
    sender = (7, 's', 'org.freedesktop.systemd1')
    return message(2, [(5, 'u', serial), sender] + ([(8, 'g', signature)] if signature else []), body)


def error(serial, name, words):
    return message(3, [(5, 'u', serial), (4, 's', name), (8, 'g', 's')], text(words))


def job_removed(unit, result):
    body = struct.pack('<I', 1) + text(JOB)
    for value in (unit, result):
        body = aligned(body, 4) + text(value)
    manager = 'org.freedesktop.systemd1.Manager'
    fields = [(1, 'o', '/org/freedesktop/systemd1'), (2, 's', manager), (3, 's', 'JobRemoved')]
    return message(4, fields + [(7, 's', 'org.freedesktop.systemd1'), (8, 'g', 'uoss')], body)


def call_of(stream):
    """(serial, member, body) of the next message."""
    try:
        start = stream.read(16)
    except ConnectionResetError:
        sys.exit()
    if len(start) < 16:
        sys.exit()
    _, _, _, _, size, serial, length = struct.unpack('<BBBBIII', start)
    header = stream.read(length + (-length % 8))
    member, at = '', 0
    while at < length:
        at += -at % 8
        code, signature = header[at], chr(header[at + 2])
        at += 4
        if signature == 'g':
            at += header[at] + 2
            continue
        at += -at % 4
        number = struct.unpack_from('<I', header, at)[0]
        at += 4
        if signature == 'u':
            continue
        if code == 3:
            member = header[at:at + number].decode()
        at += number + 1
    return serial, member, stream.read(size)


def answer(serial, member, body):
    if member == 'Hello':
        return reply(serial, 's', text(':1.1'))
    if member == 'AddMatch' or member == 'RemoveMatch':
        return reply(serial)
    if mode == 'deaf':
        return b''
    if mode == 'hangup':
        sys.exit()
    if mode == 'stranger':
        return error(serial, 'org.freedesktop.DBus.Error.ServiceUnknown', 'The name is not activatable')
    if member == 'Get':
        value = '/' if b'ControlGroup' in body else '252.1'
        return reply(serial, 'v', b'\1s\0\0' + text(value))
    if member == 'StartTransientUnit':
        if mode == 'refused':
            return error(serial, 'org.freedesktop.DBus.Error.InvalidArgs', 'TasksMax= is out of range.')
        size = struct.unpack_from('<I', body)[0]
        unit = body[4:4 + size].decode()
        say('unit ' + unit)
        return reply(serial, 'o', text(JOB)) + (b'' if mode == 'endless' else job_removed(unit, mode))
    return reply(serial)


def serve(connection):
    stream = connection.makefile('rb')
    if mode == 'silent':
        stream.read()
        return
    while True:
        line = stream.readline().lstrip(b'\0')
        if line.startswith(b'AUTH'):
            # With no initial response the client sends its (empty) one at once.
            continue
        if line.startswith(b'DATA'):
            connection.sendall(b'DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n')
        elif line.startswith(b'NEGOTIATE_UNIX_FD'):
            connection.sendall(b'AGREE_UNIX_FD\r\n')
        elif line.startswith(b'BEGIN') or line == b'':
            break
    while True:
        serial, member, body = call_of(stream)
        say('call ' + member)
        connection.sendall(answer(serial, member, body))


server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
say('ready')

while True:
    client, _ = server.accept()
    if os.fork() == 0:
        serve(client)
        sys.exit()
    client.close()
