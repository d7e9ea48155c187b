"""What containers of diff.test.ts change in their root. changes.py all: one of each kind; race DIRECTORY: exchanges, for a while."""
import ctypes
import os
import shutil
import sys
import time

AT_FDCWD = -100
RENAME_EXCHANGE = 2


def write(path, content):
    with open(path, 'w') as file:
        file.write(content)


def all_kinds():
    os.remove('/old/del')
    shutil.rmtree('/gone')
    shutil.rmtree('/opaque')
    os.makedirs('/opaque/sub')
    write('/opaque/new', 'new')
    # Opened to be written, and not written.
    os.close(os.open('/same/file', os.O_WRONLY))
    os.utime('/touched', ns=(5, 1_234_567_890_123_456_789))
    os.chmod('/moded', 0o4755)
    os.setxattr('/noted', 'user.note', b'\0=\n\xff')
    write('/etc/deep/conf', 'changed')
    os.remove('/replaced')
    os.mkdir('/replaced')
    write('/replaced/in', '')
    shutil.rmtree('/turned')
    write('/turned', 'a file now')
    os.mkdir('/d', 0o2750)
    os.chown('/d', 3_000_000, 5)
    write('/d/file', 'hello')
    os.setxattr('/d/file', 'security.capability', bytes.fromhex('0100000200200000' + '00' * 12))
    # Read and write for user 7: posix_acl_xattr.h.
    acl = ((1, 6, -1), (2, 6, 7), (4, 4, -1), (16, 6, -1), (32, 4, -1))
    os.setxattr('/d/file', 'system.posix_acl_access', b'\2\0\0\0' + b''.join(
        tag.to_bytes(2, 'little') + allowed.to_bytes(2, 'little') + (user % 2**32).to_bytes(4, 'little') for tag, allowed, user in acl))
    os.link('/d/file', '/d/hard')
    os.symlink('/' + 'x/' * 100, '/d/long-link')
    os.symlink('nothing', '/d/link')
    os.lchown('/d/link', 7, 8)
    os.mkfifo('/d/fifo')
    os.mknod('/d/null', 0o20640, os.makedev(1, 3))
    write(b'/d/\xff\n\\\x1b', 'a name of any bytes')
    write('/d/' + 'ü' * 120, 'a long name')
    os.truncate(os.open('/d/sparse', os.O_CREAT | os.O_WRONLY), 300_000)
    os.utime('/d/fifo', ns=(0, 1_000_000_000_000_000_001))
    os.utime('/d', ns=(0, -86_400_000_000_000))


def race(directory):
    """A directory and a symlink to one of the host, a file and a fifo take each other's places."""
    rename = lambda a, b: ctypes.CDLL(None).renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE)
    os.mkdir('/r')
    os.mkdir('/r/a')
    write('/r/a/file', 'mine')
    os.symlink(directory, '/r/b')
    write('/r/c', 'mine')
    os.mkfifo('/r/d')
    print('racing', flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        rename(b'/r/a', b'/r/b')
        rename(b'/r/c', b'/r/d')
        write('/r/come', 'and go')
        os.remove('/r/come')


if sys.argv[1] == 'all':
    all_kinds()
    print('done', flush=True)
    time.sleep(600)
elif sys.argv[1] == 'race':
    race(sys.argv[2])
