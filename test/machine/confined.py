"""confined.py DIRECTORY COMMAND …: runs a command, as the first process of a pid namespace that unshare(1) just made, where nothing can be
written but to a file system of its own, of 256 MB, on the directory, which is also its working directory. Sockets in /run are out of sight."""

import ctypes
import os
import subprocess
import sys

SYS_MOUNT_SETATTR = 442
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 1


class MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clr", "propagation", "userns_fd")]


libc = ctypes.CDLL(None, use_errno=True)
directory = sys.argv[1]
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
attr = MountAttr(MOUNT_ATTR_RDONLY, 0, 0, 0)
if libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, ctypes.byref(attr), ctypes.sizeof(attr)) != 0:
    sys.exit("mount_setattr: " + os.strerror(ctypes.get_errno()))
for place, size in ((directory, "256m"), ("/run", "1m")):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "none", place], check=True)
os.chdir(directory)
os.execvp(sys.argv[2], sys.argv[2:])
