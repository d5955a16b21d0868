"""What a hostile script tries against the machine, one function each; run inside a sandbox, it prints what succeeded.

The scripts limit themselves: they touch only files and processes that the test made for them.
"""

ATTRIBUTES = """
import array, fcntl, os, shutil, sys
target = sys.argv[1]

def tried(name, act):
    try:
        act()
    except OSError:
        pass

tried("chmod", lambda: os.chmod(target, 0o4755))
tried("lchmod", lambda: os.chmod(target, 0o777))
tried("utime", lambda: os.utime(target, (1, 1)))
tried("setxattr", lambda: os.setxattr(target, "user.mark", b"1"))
tried("chown", lambda: os.chown(target, 1, 1))
def through_a_descriptor():
    with open(target, "rb") as file:
        tried("fchmod", lambda: os.fchmod(file.fileno(), 0o777))
        tried("futimens", lambda: os.utime(file.fileno(), (2, 2)))
        tried("fsetxattr", lambda: os.setxattr(file.fileno(), "user.mark", b"1"))
        tried("fchown", lambda: os.fchown(file.fileno(), 1, 1))
        tried("flags", lambda: fcntl.ioctl(file.fileno(), 0x40086602, array.array("l", [0x10])))
        tried("proc", lambda: os.chmod(f"/proc/self/fd/{file.fileno()}", 0o777))
tried("open", through_a_descriptor)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(452, -100, target.encode(), 0o777, 0)
libc.syscall(463, -100, target.encode(), 0, b"user.mark", b"1", 16)
# An honest copy of a file with its mode and times goes on.
import pathlib
pathlib.Path("mine").touch()
open("mine", "a").write("x")
shutil.copy2("mine", "out/mine")
print("done")
"""

PROCESSES = """
import ctypes, os, resource, signal, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)

def tried(name, act):
    try:
        act()
        print(name)
    except OSError:
        pass

tried("limits", lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3)))
tried("kill", lambda: os.kill(pid, signal.SIGTERM))
tried("priority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
tried("priority of the group", lambda: os.setpriority(os.PRIO_PGRP, pid, 19))
tried("priority of the user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
tried("scheduler", lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)))
tried("affinity", lambda: os.sched_setaffinity(pid, {0}))
for name, number, arguments in (
    ("ioprio", 251, (1, pid, 3 << 13)),
    ("sched_setattr", 314, (pid, ctypes.create_string_buffer(b"\\x30" + bytes(47)), 0)),
    ("migrate_pages", 256, (pid, 64, ctypes.byref(ctypes.c_ulong(1)), ctypes.byref(ctypes.c_ulong(1)))),
    ("ptrace", 101, (0x4206, pid, 0, 0)),
):
    if libc.syscall(number, *arguments) == 0:
        print(name)
print("done")
"""

OBJECTS = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
shared = libc.shmget(0x676f6d65, 4096, 0o1666)
print("shared memory", shared >= 0)
print("queue", libc.msgget(0x676f6d65, 0o1666) >= 0)
print("semaphore", libc.semget(0x676f6d65, 1, 0o1666) >= 0)
print("posix queue", libc.syscall(240, b"gome-attack", os.O_CREAT | os.O_RDWR, 0o666, None) >= 0)
print("key", libc.syscall(248, b"user", b"gome", b"x", 1, -3) >= 0)
for family in (40, 38, 17, 30, 31):
    try:
        socket.socket(family, socket.SOCK_STREAM if family != 38 else socket.SOCK_SEQPACKET).close()
        print("family", family)
    except OSError:
        pass
"""

RESIDENCY = """
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
with open(os.__file__, "rb") as file:
    buffer = bytearray(64)
    for flags in (0x8, 0x1, 0x2):
        try:
            os.preadv(file.fileno(), [buffer], 0, flags)
            print("preadv2", flags)
        except OSError:
            pass
    assert os.preadv(file.fileno(), [buffer], 0) == 64
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, ctypes.c_size_t(4096), 1, 2, file.fileno(), ctypes.c_long(0))
    vector = ctypes.create_string_buffer(1)
    print("mincore", libc.mincore(ctypes.c_void_p(place), ctypes.c_size_t(4096), vector) == 0)
    span = (ctypes.c_uint64 * 2)(0, 4096)
    print("cachestat", libc.syscall(451, file.fileno(), span, (ctypes.c_uint64 * 5)(), 0) == 0)
try:
    open("/dev/shm/gome-attack", "x").close()
    print("left in shared memory")
except OSError:
    print("shared memory is closed or held already")
"""

FIRST_PROCESS = """
import os
for path in ("/proc/1/mem", "/proc/self/mem"):
    try:
        os.close(os.open(path, os.O_RDWR))
        print(path)
    except OSError:
        pass
for path, text in (("self", "-1"), ("self", "0"), ("1", "0")):
    path = f"/proc/{path}/oom_score_adj"
    try:
        with open(path, "w") as file: file.write(text)
        print(path, text)
    except OSError:
        pass
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
first = libc.syscall(434, 1, 0)
if first >= 0:
    print("taken", [n for n in range(64) if libc.syscall(438, first, n, 0) >= 0])
print(open("/proc/self/oom_score_adj").read().strip())
"""

SPECIAL_BITS = """
import os, stat
for mode in (0o4755, 0o2755):
    try:
        os.close(os.open(f"made{mode:o}", os.O_CREAT | os.O_WRONLY, mode))
    except OSError:
        pass
    try:
        open("changed", "w").close()
        os.chmod("changed", mode)
    except OSError:
        pass
    try:
        os.mknod(f"node{mode:o}", mode | stat.S_IFREG)
    except OSError:
        pass
print([name for name in os.listdir(".") if os.path.isfile(name) and os.stat(name).st_mode & 0o6000])
os.chmod("changed", 0o600)
"""

PAGE_TABLES = """
import mmap, time
held = []
for _ in range(40):
    area = mmap.mmap(-1, 16 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ)
    for place in range(0, len(area), 2 << 20):
        area[place]
    held.append(area)
time.sleep(10)
"""

MAPPED = """
import mmap, os, time
held = []
for _ in range(8):
    with open({folder!r} + "/gone", "w+b") as file:
        file.write(b"x" * (20 << 20))
        file.flush()
        held.append(mmap.mmap(file.fileno(), {size}))
    os.unlink({folder!r} + "/gone")
time.sleep(10)
"""

IN_FLIGHT = """
import os, socket, time
ends = socket.socketpair()
for _ in range(8):
    with open("/dev/shm/gone", "w+b") as file:
        file.write(b"x" * (20 << 20))
        file.flush()
        socket.send_fds(ends[0], [b"x"], [file.fileno()])
    os.unlink("/dev/shm/gone")
time.sleep(10)
"""

MANY_IN_MEMORY = """
import os, time
for number in range(20000):
    os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
time.sleep(10)
"""

DATAGRAMS = """
import socket, sys
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    for reach in (lambda end: end.sendto(b"x", sys.argv[1]), lambda end: end.connect(sys.argv[1]) or end.send(b"x")):
        try:
            ends = socket.socketpair(socket.AF_UNIX, kind)
            reach(ends[0])
        except OSError:
            pass
print("done")
"""

STRANGE_NAMES = """
import ctypes, mmap, os, time
libc = ctypes.CDLL(None, use_errno=True)
for end in (chr(0x2028), chr(0x85), chr(12), chr(11), chr(28), chr(10)):
    name = f"out/x{end}y"
    with open(name, "w+b") as file:
        file.write(b"x" * 8192)
        file.flush()
        held = globals().setdefault("held", [])
        held.append(mmap.mmap(file.fileno(), 8192))
    os.unlink(name)
libc.prctl(15, "a\\x0bVmPTE: x".encode(), 0, 0, 0)
time.sleep(2.5)
print("done")
"""

STRANGE_PROGRESS = """
import time
for done, total in ((1, "9" * 320), (2, "9" * 320), (3, "9" * 4000)):
    print(f"epoch {done}/{total}", flush=True)
    time.sleep(0.1)
print("done")
"""
