#!/usr/bin/env python3
"""tree.py directory PATH | container PID | tar FILE: a tree as JSON, every path with all that a layer can tell of it.

Of a container its root as it was mounted, without what is mounted on it. Names and values are bytes, written as Latin-1.
"""
import ctypes
import hashlib
import json
import math
import os
import stat
import sys
import tarfile

SYS_OPEN_TREE = 428
OPEN_TREE_CLONE = 1
CLONE_NEWNS = 0x20000
KINDS = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'link', stat.S_IFIFO: 'fifo', stat.S_IFCHR: 'character device',
         stat.S_IFBLK: 'block device', stat.S_IFSOCK: 'socket'}


def text(data):
    return data.decode('latin-1')


def hash_of(file):
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def examine(path, status, contents):
    """Of what is at a path; it is not followed."""
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    entry = {'type': kind, 'mode': oct(stat.S_IMODE(status.st_mode)), 'owner': f'{status.st_uid}:{status.st_gid}', 'time': str(status.st_mtime_ns)}
    if kind == 'file':
        entry['size'] = status.st_size
        if status.st_ino not in contents:
            with open(path, 'rb') as file:
                contents[status.st_ino] = hash_of(file)
        entry['content'] = contents[status.st_ino]
    elif kind == 'link':
        entry['target'] = text(os.readlink(path))
    elif kind.endswith('device'):
        entry['device'] = f'{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}'
    entry['xattrs'] = {name: text(os.getxattr(path, name, follow_symlinks=False)) for name in os.listxattr(path, follow_symlinks=False)}
    return entry


def tell_links(tree, groups):
    for names in groups.values():
        for name in names:
            tree[name]['links'] = sorted(names)


def of_directory():
    """Of the working directory."""
    tree, groups, contents = {}, {}, {}
    device = os.stat(b'.').st_dev

    def visit(path, name):
        status = os.lstat(path)
        tree[text(name)] = examine(path, status, contents)
        if not stat.S_ISDIR(status.st_mode):
            groups.setdefault(status.st_ino, []).append(text(name))
            return
        if status.st_dev != device:
            raise SystemExit(f'{path!r} is mounted')
        for below in os.listdir(path):
            visit(os.path.join(path, below), os.path.join(name, below))

    visit(b'.', b'')
    tell_links(tree, groups)
    return tree


def enter(pid):
    """To the root of a container, a clone of whose mount, without others on it, becomes the working directory."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f'/proc/{pid}/ns/mnt', os.O_RDONLY)
    root = os.open(f'/proc/{pid}/root', os.O_PATH)
    if libc.setns(namespace, CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), 'setns')
    tree = libc.syscall(SYS_OPEN_TREE, root, b'.', OPEN_TREE_CLONE)
    if tree < 0:
        raise OSError(ctypes.get_errno(), 'open_tree')
    os.fchdir(tree)


def of_tar(name):
    tree, groups = {}, {}
    kinds = {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK,
             tarfile.FIFOTYPE: stat.S_IFIFO, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}
    plain = lambda value: text(value.encode('utf-8', 'surrogateescape'))
    with tarfile.open(name, encoding='utf-8', errors='surrogateescape') as archive:
        for member in archive:
            path = plain(member.name).removeprefix('./').strip('/')
            if member.islnk():
                target = plain(member.linkname).removeprefix('./')
                groups[target].append(path)
                tree[path] = dict(tree[target])
                continue
            kind = KINDS[kinds[member.type]]
            entry = tree[path] = {'type': kind, 'mode': oct(member.mode & 0o7777), 'owner': f'{member.uid}:{member.gid}',
                                  'time': str(math.floor(member.mtime) * 10**9)}
            if kind == 'file':
                entry['size'] = member.size
                entry['content'] = hash_of(archive.extractfile(member))
            elif kind == 'link':
                entry['target'] = plain(member.linkname)
            elif kind.endswith('device'):
                entry['device'] = f'{member.devmajor}:{member.devminor}'
            prefix = 'SCHILY.xattr.'
            entry['xattrs'] = {key.removeprefix(prefix): plain(value) for key, value in member.pax_headers.items() if key.startswith(prefix)}
            if kind != 'directory':
                groups[path] = [path]
    tell_links(tree, groups)
    return tree


def main():
    how, what = sys.argv[1:]
    # The codecs of names are found before the root is another one.
    json.dumps(text(b'\xff'))
    if how == 'container':
        enter(what)
    elif how == 'directory':
        os.chdir(what)
    json.dump(of_tar(what) if how == 'tar' else of_directory(), sys.stdout)


main()
