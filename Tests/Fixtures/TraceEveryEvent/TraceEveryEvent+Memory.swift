import CDMATrace

extension TraceEveryEvent {
    static func traceMemoryCallsOnce() {
        var memory = dmatrace_memory(
            region: 1 << 40, address: 0xFFFF_8000_0000_1000, length: 1 << 33, page_size: 1 << 21, fd: -1, offset: 0,
            inode: 0, size: 0, verified: 0)
        dmatrace_dmadev_extmem_register(&memory, (0..<100).map { 1 << 63 | $0 << 21 }, 100, -17)
        (memory.fd, memory.offset, memory.inode, memory.size, memory.verified) = (33, 8192, 1 << 35, 1 << 34, 1)
        dmatrace_dmadev_extmem_register_dmabuf(&memory, [7 << 21], 1, 0)
        dmatrace_dmadev_extmem_unregister(1 << 40 | 1, 0xFFFF_8000_0000_2000, 1 << 34, -16)
        dmatrace_dmadev_extmem_attach(&memory, nil, 0, -2)
        dmatrace_dmadev_extmem_detach(1 << 40 | 2, 0xFFFF_8000_0000_3000, 1 << 35, -22)
        dmatrace_dmadev_extmem_send(44, &memory, -32)
        dmatrace_dmadev_extmem_receive(45, &memory, -71)
        dmatrace_dmadev_extmem_lookup(0xFFFF_8000_0000_4000, 1 << 40 | 3, 0)
        dmatrace_dmadev_extmem_get_dmabuf_fd(1 << 40 | 4, 46, 0)
        dmatrace_dmadev_extmem_dup_dmabuf_fd(1 << 40 | 5, 47, -24)
        dmatrace_dmadev_extmem_get_dmabuf_offset(1 << 40 | 6, 1 << 36, 0)
        dmatrace_dmadev_extmem_get_iova(1 << 40 | 7, 0xFFFF_8000_0000_5000, .max, 0)
        dmatrace_dmadev_extmem_callback_register(-17)
        dmatrace_dmadev_extmem_callback_unregister(-2)
        dmatrace_dmadev_extmem_map(3, 1 << 40 | 8, 0xFFFF_8000_0000_6000, 1 << 37, 1 << 63, 0)
        dmatrace_dmadev_extmem_unmap(4, 1 << 40 | 9, 1 << 63 | 4096, -22)
    }
}
