import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import Synchronization

/// Events, as the delivery thread leaves them.
private final class Heard: Sendable {
    let events = Mutex<[String]>([])
}

/// The device, its memory, and what it has heard.
final class Bench {
    static let page = 4096
    static let byteCount = 64 * page

    let driver: ControllerDevice
    let device: DMADevice
    let buffer: DeviceBuffer
    let domain = DomainID.random()
    private(set) var iova: UInt64
    /// What operations and channels call the domains of other members.
    var otherDomains = InterDomainType.process
    /// Another kind of memory than the buffer: a region, from ``register(pages:)`` on.
    private(set) var region: (memory: MemoryRegion, mapping: SharedMapping)?
    private let registry = DeviceRegistry()
    private let heard = Heard()
    private let callback: AccessGroupCallback

    init(_ path: String) throws {
        driver = try ControllerDevice(path: path)
        device = try registry.add(driver, named: "dma")
        buffer = try driver.makeBuffer(byteCount: Self.byteCount)
        iova = 0
        callback = AccessGroupCallback { [heard] _, event in
            heard.events.withLock { $0.append("\(event.kind.name):\(event.group):\(event.handler)") }
        }
        try beginHearing()
        try start()
    }

    func start() throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 256))
        try device.start()
        iova = try device.mapMemory(buffer.bytes)
    }

    /// Registers a memfd of this process as external memory.
    func register(pages: Int) throws {
        let file = try MemoryFile.make(name: "region", byteCount: pages * Self.page)
        try MemoryFile.add(.shrink, to: file.raw)
        let mapping = try SharedMapping(of: file.raw, byteCount: pages * Self.page, isWritable: true)
        // The controller allocates no page.
        mapping.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let memory = try registry.memory.registerDMABuffer(
            file.raw, offset: 0, at: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)),
            byteCount: UInt64(pages * Self.page))
        region = (memory, mapping)
    }

    func unregister() throws {
        guard let region else { exit(10) }
        try registry.memory.unregister(region.memory)
    }

    var events: [String] { heard.events.withLock { $0 } }

    func beginHearing() throws {
        try device.registerEventCallback(callback, for: .update)
        try device.registerEventCallback(callback, for: .destroy)
    }

    /// What is on its way still comes to nobody.
    func endHearing() throws {
        try device.unregisterEventCallback(callback, for: .update)
        try device.unregisterEventCallback(callback, for: .destroy)
        heard.events.withLock { $0 = [] }
    }

    /// The handlers of an operation, in its flags.
    func flags(source: DomainHandler, destination: DomainHandler) -> OperationFlags {
        var flags: OperationFlags = []
        if source != 0 { flags.insert(.source(source, of: otherDomains)) }
        if destination != 0 { flags.insert(.destination(destination, of: otherDomains)) }
        return flags
    }

    /// How the one operation that is under way ends.
    func end() throws -> CompletionStatus {
        let channel = try device.virtualChannel(0)
        var status = [CompletionStatus(rawValue: 0xDEAD)]
        while try status.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0).count }) == 0 {
            sched_yield()
        }
        return status[0]
    }
}
