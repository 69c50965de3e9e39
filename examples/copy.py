"""Copies with a device from Python. Usage: copy.py [LIBRARY]"""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libdmadev.so.1")
library.dmadev_error.restype = ctypes.c_char_p


class Conf(ctypes.Structure):
    """struct dmadev_conf"""

    _fields_ = [
        ("nb_vchans", ctypes.c_uint16),
        ("priority", ctypes.c_uint16),
        ("reserved0", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
    ]


class VchanConf(ctypes.Structure):
    """struct dmadev_vchan_conf; what this program leaves 0 is one array"""

    _fields_ = [
        ("direction", ctypes.c_uint32),
        ("nb_desc", ctypes.c_uint16),
        ("rest", ctypes.c_uint8 * 130),
    ]


class FunctionTable(ctypes.Structure):
    """struct dmadev_fp_object, as far as this program uses it: the data calls are inline functions in C"""

    _fields_ = [
        ("dev_private", ctypes.c_void_p),
        (
            "copy",
            ctypes.CFUNCTYPE(
                ctypes.c_int,
                ctypes.c_void_p,
                ctypes.c_uint16,
                ctypes.c_uint64,
                ctypes.c_uint64,
                ctypes.c_uint32,
                ctypes.c_uint64,
            ),
        ),
        ("others", ctypes.c_void_p * 3),
        (
            "completed",
            ctypes.CFUNCTYPE(
                ctypes.c_uint16,
                ctypes.c_void_p,
                ctypes.c_uint16,
                ctypes.c_uint16,
                ctypes.POINTER(ctypes.c_uint16),
                ctypes.POINTER(ctypes.c_bool),
            ),
        ),
        ("more", ctypes.c_void_p * 10),
    ]


def check(result):
    """Raises the library's sentence for a negative result."""
    if result < 0:
        raise OSError(-result, library.dmadev_error().decode())
    return result


device = check(library.dmadev_create(b"software,name=dma0"))
check(library.dmadev_configure(device, ctypes.byref(Conf(nb_vchans=1))))
check(library.dmadev_vchan_setup(device, 0, ctypes.byref(VchanConf(nb_desc=32))))
check(library.dmadev_start(device))

source = ctypes.create_string_buffer(b"moved by a device")
target = ctypes.create_string_buffer(len(source))
table = ctypes.POINTER(FunctionTable).in_dll(library, "dmadev_fp_objs")[device]
submit = 1 << 1
check(table.copy(table.dev_private, 0, ctypes.addressof(source), ctypes.addressof(target), len(source), submit))
last, failed = ctypes.c_uint16(), ctypes.c_bool()
while not table.completed(table.dev_private, 0, 1, ctypes.byref(last), ctypes.byref(failed)) and not failed:
    pass
print("dma0 copied:", target.value.decode())

check(library.dmadev_stop(device))
check(library.dmadev_close(device))
