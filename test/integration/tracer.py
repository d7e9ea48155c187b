"""tracer.py PID: traces a process until it ends, and prints the message of each call that its filter leaves to a tracer
(SCMP_ACT_TRACE); the calls are made. Prints `attached` first. See ptrace(2), seccomp(2)."""
import ctypes
import os
import sys

PTRACE_CONT, PTRACE_GETEVENTMSG, PTRACE_SEIZE = 7, 0x4201, 0x4206
PTRACE_O_TRACESECCOMP = 1 << 7
PTRACE_EVENT_SECCOMP = 7

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data):
    if libc.ptrace(request, pid, None, data) != 0:
        sys.exit(f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")


pid = int(sys.argv[1])
ptrace(PTRACE_SEIZE, pid, PTRACE_O_TRACESECCOMP)
print("attached", flush=True)
while True:
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        break
    signal = 0
    if status >> 16 == PTRACE_EVENT_SECCOMP:
        message = ctypes.c_ulong()
        ptrace(PTRACE_GETEVENTMSG, pid, ctypes.addressof(message))
        print("message", message.value, flush=True)
    elif status >> 16 == 0:
        signal = os.WSTOPSIG(status)
    ptrace(PTRACE_CONT, pid, signal)
