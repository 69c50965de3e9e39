import CPeers
import DMADev
import DMAEngine
import Glibc
import SoftwareDriver

/// External memory: registering and mapping a large region, and a getter.
func measureMemory(_ session: Session) throws {
    let memory = try SealedMemory(byteCount: 1 << 30)
    var options = SoftwareDevice.Options()
    options.capabilities.remove(.sva)
    let table = DeviceRegistry.shared.memory
    let device = try DeviceRegistry.shared.add(
        SoftwareDevice(engine: Engine(), options: options), named: "bench-memory")
    try session.inTurn(
        "1-GiB", unit: "µs",
        [
            Session.Subject("register-and-map") {
                let begin = cpeers_now()
                let region = try memory.register(in: table)
                _ = try device.mapMemory(region)
                let end = cpeers_now()
                try device.unmapMemory(region)
                try table.unregister(region)
                return (end - begin) / 1000
            }
        ])
    let region = try memory.register(in: table)
    let count = session.setting.isQuick ? 10_000 : 1_000_000
    try session.inTurn(
        "getter", unit: "ns",
        [
            Session.Subject("descriptor") { try time(count) { try region.dmaBufferDescriptor.map(UInt64.init) ?? 0 } },
            Session.Subject("offset") { try time(count) { try region.dmaBufferOffset ?? 0 } },
            Session.Subject("iova") { try time(count) { try region.iova(of: region.address) } },
            Session.Subject("look-up") { try time(count) { try table.lookUp(region.address).number } },
        ])
    try table.unregister(region)
    try device.close()
}

/// Nanoseconds per call.
private func time(_ count: Int, _ call: () throws -> UInt64) throws -> Double {
    var sum: UInt64 = 0
    let begin = cpeers_now()
    for _ in 0..<count { sum &+= try call() }
    let end = cpeers_now()
    guard sum != 1 else { throw Failure("the getters return nothing") }
    return (end - begin) / Double(count)
}

/// A mapped memfd that is sealed against shrinking. It has no pages until they are touched.
private final class SealedMemory {
    private let file: CInt
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init(byteCount: Int) throws(Failure) {
        file = cpeers_sealed_file(byteCount)
        self.byteCount = byteCount
        guard file >= 0, let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            mapped != MAP_FAILED
        else { throw Failure("no memfd of \(byteCount) bytes: errno \(errno)") }
        base = mapped
    }

    deinit {
        munmap(base, byteCount)
        close(file)
    }

    func register(in table: MemoryTable) throws(DMAError) -> MemoryRegion {
        try table.registerDMABuffer(
            file, at: UInt64(UInt(bitPattern: base)), byteCount: UInt64(byteCount), pageSize: 4096)
    }
}
