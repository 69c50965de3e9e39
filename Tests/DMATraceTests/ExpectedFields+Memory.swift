import TestSupport

/// What the events of external memory have to hold, by the calls in TraceEveryEvent.
let expectedMemoryFields: [String: [String: TraceValue]] = [
    "dmadev:extmem_register": region.merging([
        "nb_iovas": 100, "iovas": .sequence((0..<64).map { .integer(0x8000_0000_0000_0000 + $0 << 21) }), "ret": -17,
    ]) { $1 },
    "dmadev:extmem_register_dmabuf": region.merging(file) { $1 }.merging([
        "nb_iovas": 1, "iovas": [0xE0_0000], "ret": 0,
    ]) { $1 },
    "dmadev:extmem_unregister": [
        "region": 0x100_0000_0001, "address": 0xFFFF_8000_0000_2000, "length": 17_179_869_184, "ret": -16,
    ],
    "dmadev:extmem_attach": region.merging(file) { $1 }.merging(["nb_iovas": 0, "iovas": [], "ret": -2]) { $1 },
    "dmadev:extmem_detach": [
        "region": 0x100_0000_0002, "address": 0xFFFF_8000_0000_3000, "length": 34_359_738_368, "ret": -22,
    ],
    "dmadev:extmem_send": region.merging(file) { $1 }.merging(["socket": 44, "ret": -32]) { $1 },
    "dmadev:extmem_receive": region.merging(file) { $1 }.merging(["socket": 45, "ret": -71]) { $1 },
    "dmadev:extmem_lookup": ["address": 0xFFFF_8000_0000_4000, "region": 0x100_0000_0003, "ret": 0],
    "dmadev:extmem_get_dmabuf_fd": ["region": 0x100_0000_0004, "fd": 46, "ret": 0],
    "dmadev:extmem_dup_dmabuf_fd": ["region": 0x100_0000_0005, "fd": 47, "ret": -24],
    "dmadev:extmem_get_dmabuf_offset": ["region": 0x100_0000_0006, "offset": 68_719_476_736, "ret": 0],
    "dmadev:extmem_get_iova": [
        "region": 0x100_0000_0007, "address": 0xFFFF_8000_0000_5000, "iova": 0xFFFF_FFFF_FFFF_FFFF, "ret": 0,
    ],
    "dmadev:extmem_callback_register": ["ret": -17],
    "dmadev:extmem_callback_unregister": ["ret": -2],
    "dmadev:extmem_map": [
        "dev_id": 3, "region": 0x100_0000_0008, "address": 0xFFFF_8000_0000_6000, "length": 137_438_953_472,
        "iova": 0x8000_0000_0000_0000, "ret": 0,
    ],
    "dmadev:extmem_unmap": ["dev_id": 4, "region": 0x100_0000_0009, "iova": 0x8000_0000_0000_1000, "ret": -22],
]

private let region: [String: TraceValue] = [
    "region": 0x100_0000_0000, "address": 0xFFFF_8000_0000_1000, "length": 8_589_934_592, "page_size": 2_097_152,
]

private let file: [String: TraceValue] = [
    "fd": 33, "offset": 8192, "inode": 34_359_738_368, "size": 17_179_869_184, "verified": 1,
]
