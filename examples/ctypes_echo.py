#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""UDP echo server in Python, with nothing but ctypes and the shared library.

Usage: ctypes_echo.py [PORT [MESSAGES]]. REGIO_LIBRARY names the library where it is not installed.
"""
import ctypes
import errno
import os
import socket
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int32, c_int64, c_uint32, c_uint64
from ctypes import c_size_t, c_void_p

SLOTS, ADDRESS_BYTES, MESSAGE_BYTES = 256, 64, 2048
SLOT_BYTES = ADDRESS_BYTES + MESSAGE_BYTES
RECEIVE, REPLY = 0, 1
RESULTS = 64

REGIO_MSG_DEFER = 0x2


class Buf(Structure):
    _fields_ = [("region", c_uint64), ("offset", c_uint32), ("length", c_uint32)]


class Extra(Structure):
    _fields_ = [("local_address", Buf), ("remote_address", Buf), ("control", Buf),
                ("message_flags", Buf)]


class Result(Structure):
    _fields_ = [("status", c_int32), ("bytes", c_uint32), ("rq_context", c_uint64),
                ("request_context", c_uint64)]


def checked(result, function, _arguments):
    if result < 0:
        text = regio.regio_last_error() or regio.regio_error_text(result)
        raise OSError(-result, f"{function.__name__}: {text.decode()}")
    return result


regio = ctypes.CDLL(os.environ.get("REGIO_LIBRARY", "libregio.so.0.2"))
# name: (arguments, whether a result below 0 is raised)
FUNCTIONS = {
    "regio_region_allocate": ([c_size_t, c_void_p, POINTER(c_uint64), POINTER(c_void_p)], True),
    "regio_region_deregister": ([c_uint64], True),
    "regio_cq_create": ([c_uint32, c_void_p, POINTER(c_void_p)], True),
    "regio_cq_dequeue": ([c_void_p, POINTER(Result), c_uint32], True),
    "regio_cq_wait": ([c_void_p, c_uint32, c_uint64, c_int64], False),
    "regio_cq_close": ([c_void_p], True),
    "regio_rq_create": ([c_int, c_uint32, c_uint32, c_void_p, c_void_p, c_uint64, c_void_p,
                         POINTER(c_void_p)], True),
    "regio_receive_ex": ([c_void_p, POINTER(Buf), POINTER(Extra), c_uint32, c_uint64], True),
    "regio_send_ex": ([c_void_p, POINTER(Buf), POINTER(Extra), c_uint32, c_uint64], True),
    "regio_rq_close": ([c_void_p, c_uint32], True),
}
for name, (arguments, raises) in FUNCTIONS.items():
    getattr(regio, name).argtypes = arguments
    if raises:
        getattr(regio, name).errcheck = checked
regio.regio_last_error.restype = c_char_p
regio.regio_error_text.restype = c_char_p


class Echo:
    """Each slot of the region has an address and a message, and is always under one request."""

    def __init__(self, port):
        self.region, address = c_uint64(), c_void_p()
        self.cq, self.rq = c_void_p(), c_void_p()
        self.results = (Result * RESULTS)()
        self.answered = 0
        regio.regio_region_allocate(SLOTS * SLOT_BYTES, None, byref(self.region), byref(address))
        regio.regio_cq_create(2 * SLOTS, None, byref(self.cq))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))  # one address: all replies come from it
        regio.regio_rq_create(self.socket.fileno(), SLOTS, SLOTS, self.cq, self.cq, 0, None,
                              byref(self.rq))
        for slot in range(SLOTS):
            self.post(slot, RECEIVE, MESSAGE_BYTES)

    def post(self, slot, kind, length):
        data = Buf(self.region, slot * SLOT_BYTES + ADDRESS_BYTES, length)
        extra = Extra(remote_address=Buf(self.region, slot * SLOT_BYTES, ADDRESS_BYTES))
        function = regio.regio_send_ex if kind == REPLY else regio.regio_receive_ex
        function(self.rq, byref(data), byref(extra), REGIO_MSG_DEFER, slot << 1 | kind)

    def turn(self):
        """Waits, and posts what follows: a reply for each message, a receive for each reply."""
        error = regio.regio_cq_wait(self.cq, 1, 0, -1)
        if error < 0 and error != -errno.EINTR:
            raise OSError(-error, "regio_cq_wait")
        count = regio.regio_cq_dequeue(self.cq, self.results, RESULTS)
        for result in self.results[:count]:
            slot, kind = result.request_context >> 1, result.request_context & 1
            if kind == RECEIVE and result.status == 0:
                self.post(slot, REPLY, result.bytes)
            else:
                self.post(slot, RECEIVE, MESSAGE_BYTES)
                self.answered += kind == REPLY and result.status == 0

    def close(self):
        regio.regio_rq_close(self.rq, 0)
        regio.regio_cq_close(self.cq)
        regio.regio_region_deregister(self.region)
        self.socket.close()


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    echo = Echo(port)
    print("port", echo.socket.getsockname()[1], flush=True)
    while not limit or echo.answered < limit:
        echo.turn()
    echo.close()


if __name__ == "__main__":
    main()
