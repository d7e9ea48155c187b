#!/usr/bin/env python3
"""change.py ROOT one|two|three [simple]: what three layers of an image do to a root file system, in the folder /x of it.

One makes what the next ones change; two adds every kind of file, attribute and name that an image can have, and replaces files by those
of other types; three removes, hides and changes what both brought.

Simple: directories that become other files are empty. umoci writes whiteouts for what was in them, below what is then no directory, and
Docker Engine refuses those layers.
"""
import os
import shutil
import struct
import sys

X = b''
SIMPLE = False


def at(name):
    return os.path.join(X, os.fsencode(name))


def write(name, content=b'', mode=0o644):
    with open(at(name), 'wb') as file:
        file.write(content)
    os.chmod(at(name), mode)


def make(name, *files):
    os.makedirs(at(name))
    for file in files:
        write(f'{name}/{file}', file.encode())


def make_replaced(name, *files):
    make(name, *([] if SIMPLE else files))


def xattr(name, key, value):
    os.setxattr(at(name), key, value, follow_symlinks=False)


def capability(permitted, root=None):
    """vfs_cap_data of revision 2, or of 3 for a user namespace's root: capabilities(7)."""
    revision = 0x02000001 if root is None else 0x03000001
    return struct.pack('<IIIII', revision, permitted, 0, 0, 0) + (b'' if root is None else struct.pack('<I', root))


def acl(*entries):
    """posix_acl_xattr_header and its entries (tag, permissions, id): linux/posix_acl_xattr.h."""
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
ACL = acl((1, 6, NOBODY), (2, 4, 1000), (2, 6, 70000), (4, 4, NOBODY), (16, 6, NOBODY), (32, 0, NOBODY))
DIRECTORY_ACL = acl((1, 7, NOBODY), (4, 5, NOBODY), (8, 7, 33), (16, 7, NOBODY), (32, 5, NOBODY))


def date(name, seconds, nanoseconds=0):
    time = seconds * 10**9 + nanoseconds
    os.utime(at(name), ns=(time, time), follow_symlinks=False)


def one():
    os.mkdir(X)
    make('kept', 'a', 'b')
    make('gone', 'a', 'b')
    make('opaque', 'a', 'b')
    make('opaque/below', 'c')
    make_replaced('directory-to-file', 'a')
    make_replaced('directory-to-link', 'a')
    make('moved', 'a')
    for name in ('file-to-directory', 'file-to-link', 'file-to-fifo', 'file-to-device', 'gone-file', 'mode', 'again', 'content'):
        write(name, name.encode())
    os.symlink('kept', at('link-to-directory'))
    os.symlink('kept', at('link-to-file'))
    os.symlink('kept', at('link-to-link'))
    os.symlink('nowhere', at('link-gone'))
    write('program', b'#!/bin/sh\n', 0o755)
    write('hard', b'hard')
    os.link(at('hard'), at('kept/hard'))
    write('split', b'split')
    os.link(at('split'), at('split-too'))
    write('attributes')
    xattr('attributes', 'user.changed', b'old')
    xattr('attributes', 'user.removed', b'old')
    xattr('attributes', 'user.kept', b'old')


def types():
    for name in ('file-to-directory', 'link-to-directory'):
        os.unlink(at(name))
        make_replaced(name, 'new')
    for name in ('directory-to-file', 'directory-to-link'):
        shutil.rmtree(at(name))
    for name in ('file-to-link', 'file-to-fifo', 'file-to-device', 'link-to-file', 'link-to-link'):
        os.unlink(at(name))
    write('directory-to-file', b'file')
    write('link-to-file', b'file')
    os.symlink('kept', at('directory-to-link'))
    os.symlink('/x/kept/a', at('file-to-link'))
    os.symlink('../x', at('link-to-link'))
    os.mkfifo(at('file-to-fifo'), 0o620)
    os.mknod(at('file-to-device'), 0o20666, os.makedev(1, 3))


def attributes():
    write('ping', b'ping', 0o755)
    xattr('ping', 'security.capability', capability(1 << 13))
    # A change of attributes alone.
    xattr('program', 'security.capability', capability(1 << 10))
    write('of-a-namespace', b'ping', 0o755)
    xattr('of-a-namespace', 'security.capability', capability(1 << 13, root=100000))
    write('acl', b'acl')
    xattr('acl', 'system.posix_acl_access', ACL)
    os.mkdir(at('acls'))
    xattr('acls', 'system.posix_acl_access', DIRECTORY_ACL)
    xattr('acls', 'system.posix_acl_default', DIRECTORY_ACL)
    write('acls/heir')
    write('noted')
    xattr('noted', 'user.note', b'text')
    xattr('noted', 'user.binary', bytes(range(256)))
    xattr('noted', 'user.with space and ü', b'a=b\n12 c=d\n')
    xattr('noted', 'user.long', b'long' * 500)
    xattr('noted', 'trusted.note', b'trusted')
    os.mkdir(at('noted-directory'))
    xattr('noted-directory', 'user.note', b'of a directory')
    xattr('attributes', 'user.changed', b'new')
    os.removexattr(at('attributes'), 'user.removed')


def kinds():
    os.mknod(at('null'), 0o20666, os.makedev(1, 3))
    os.mknod(at('loop'), 0o60660, os.makedev(7, 1))
    os.mknod(at('large-device'), 0o20600, os.makedev(250, 70000))
    os.chown(at('loop'), 0, 6)
    os.chmod(at('loop'), 0o660)
    os.mkfifo(at('fifo'), 0o640)
    write('setuid', b'setuid', 0o4755)
    write('setgid', b'setgid', 0o755)
    os.chown(at('setgid'), 33, 42)
    os.chmod(at('setgid'), 0o6711)
    os.mkdir(at('sticky'))
    os.chmod(at('sticky'), 0o3777)
    write('closed', b'closed', 0)
    os.mkdir(at('closed-directory'))
    os.chmod(at('closed-directory'), 0)
    write('owned', b'owned')
    # More than seven octal digits.
    os.chown(at('owned'), 3_000_000, 4_000_000_000)
    os.symlink('/x/kept', at('absolute'))
    os.symlink('nowhere/at/all', at('dangling'))
    os.lchown(at('dangling'), 33, 33)
    os.symlink('../' * 300 + 'etc', at('far'))
    with open(at('sparse'), 'wb') as file:
        for place in (0, 1 << 20, 5 << 20):
            file.seek(place)
            file.write(b'data' * 1000)
        file.truncate(16 << 20)
    write('large', b''.join(struct.pack('<I', word * 2654435761 & NOBODY) for word in range(1 << 19)))
    write('empty')


def names():
    make('names')
    deep = 'names/' + '/'.join(['d' * 120] * 4)
    os.makedirs(at(deep))
    write(f'{deep}/{"f" * 255}', b'deep')
    os.symlink('f' * 255, at(f'{deep}/link'))
    os.link(at(f'{deep}/{"f" * 255}'), at('names/' + 'h' * 200))
    for name in (b'f\xfcr', b'\xff\xfe', 'für'.encode(), 'fu\u0308r'.encode(), 'é'.encode() * 100, b'new\nline', b'tab\t', b' ', b'-rf',
                 b'back\\slash', b'quote"\'', b'a=b', b'wh.x', b'.', b'..'):
        if name not in (b'.', b'..'):
            write(os.path.join(b'names', name), name)
    os.symlink(b'f\xfcr', at('names/latin'))
    os.link(at(b'names/f\xfcr'), at(b'names/h\xe4rd'))


def links():
    os.link(at('large'), at('kept/large'))
    os.link(at('large'), at('names/large'))
    os.link(at('dangling'), at('dangling-too'), follow_symlinks=False)
    os.link(at('fifo'), at('fifo-too'))
    os.link(at('null'), at('null-too'))
    os.link(at('ping'), at('ping6'))
    # Of the layer below: a third name, and one of two that becomes a file of its own.
    os.link(at('hard'), at('third'))
    os.unlink(at('split-too'))
    write('split-too', b'of its own')


def times():
    for index, (seconds, nanoseconds) in enumerate([(0, 0), (1, 1), (1_000_000_000, 999_999_999), (-1, 0), (-100, 500_000_000),
                                                    (1 << 31, 0), (5_000_000_000, 7)]):
        write(f'time{index}')
        date(f'time{index}', seconds, nanoseconds)
    os.symlink('x', at('time-link'))
    date('time-link', 1234567, 5)
    date('fifo', 7654321)
    date('sticky', 42)
    date('kept', 43, 44)


def two():
    os.unlink(at('gone-file'))
    os.unlink(at('again'))
    os.unlink(at('link-gone'))
    shutil.rmtree(at('gone'))
    os.chmod(at('mode'), 0o600)
    types()
    attributes()
    kinds()
    names()
    links()
    times()


def three():
    # As a whole, then anew: the kernel and buildah have an opaque directory for it.
    shutil.rmtree(at('opaque'))
    make('opaque', 'b', 'new')
    make('opaque/below', 'new')
    make('gone', 'back')
    write('again', b'again')
    shutil.rmtree(at('sticky'))
    # Not by rename(2), which an overlay refuses for directories of its layers.
    shutil.copytree(at('moved'), at('moved-to'))
    shutil.rmtree(at('moved'))
    os.chown(at('kept'), 1, 2)
    write('content', b'other content')
    os.removexattr(at('ping'), 'security.capability')
    xattr('noted-directory', 'user.note', b'changed')
    os.removexattr(at('noted'), 'user.binary')
    os.unlink(at('fifo-too'))
    os.unlink(at('file-to-fifo'))
    make('file-to-fifo', 'third')
    shutil.rmtree(at('file-to-directory'))
    os.symlink('opaque', at('file-to-directory'))
    os.truncate(at('sparse'), 3 << 20)
    shutil.rmtree(os.path.join(X, b'../usr/share/doc'), ignore_errors=True)
    date('kept', 45, 46)
    date('opaque', 47)
    date('content', 48)
    date('loop', 49)


def main():
    global X, SIMPLE
    root, step, *more = sys.argv[1:]
    SIMPLE = more == ['simple']
    X = os.path.join(os.fsencode(root), b'x')
    os.umask(0o022)
    {'one': one, 'two': two, 'three': three}[step]()


main()
