import DMADev
import LinuxSystem

// The examples of DMADev's page ExternalMemory.

func externalMemory() throws {
    let sealed = try MemoryFile.make(name: "example", byteCount: 8192)
    try MemoryFile.add(.shrink, to: sealed.raw)
    let mapping = try SharedMapping(of: sealed.raw, byteCount: 8192, isWritable: true)
    let (file, bytes) = (sealed.raw, mapping.bytes)
    let device = try startedDevice()
    let sockets = try SequencedPacketSocket.pair()
    let socket = sockets.first.raw
    bytes[0] = 5

    let region = try DeviceRegistry.shared.memory.registerDMABuffer(
        file, at: UInt64(UInt(bitPattern: bytes.baseAddress)), byteCount: UInt64(bytes.count))
    let iova = try device.mapMemory(region)

    let channel = try device.virtualChannel(0)
    try channel.copy(from: iova, to: iova + 4096, length: 64, flags: .submit)
    while try channel.completed(upTo: 1).count == 0 {}
    try check(bytes[4096] == 5, "moved in the region")

    try DeviceRegistry.shared.memory.send(region, over: socket)

    try attach(from: sockets.second.raw)
    try device.unmapMemory(region)
    try DeviceRegistry.shared.memory.unregister(region)
    try device.stop()
}

private func attach(from socket: CInt) throws {
    let table = DeviceRegistry().memory
    let attached = try table.attach(table.receive(from: socket))
    let bytes = UnsafeRawPointer(bitPattern: UInt(attached.address))
    try check(bytes?.load(fromByteOffset: 4096, as: UInt8.self) == 5, "the same memory")
    try table.detach(attached)
}
