import DMADev
import DMAEngine
import Glibc
import SoftwareDriver

/// Two devices on one engine: one whose calls and operations are counted, and one that can hold the engine up. That has
/// the lower priority: its next operation is begun when everything of the other is done.
final class Bench {
    let subject: Subject
    private let device: DMADevice
    private let holder: DMADevice
    private let engine: Engine
    private let gate = Gate()
    private let holding: VirtualChannel
    private let bytes: UnsafeMutableRawBufferPointer

    /// Every operation of the largest step fits: nothing is polled meanwhile.
    private static let ring: UInt16 = 32768
    private static let port = Port.pcie(PCIePort(core: 1))

    init() throws {
        let engine = try Engine()
        self.engine = engine
        var options = SoftwareDevice.Options()
        options.maximumDescriptorCount = Self.ring
        options.deviceMemory = DeviceMemory(byteCount: 4096).map { [Self.port.pcie: $0] } ?? [:]
        func add(_ name: String, priority: UInt16, _ channel: VirtualChannelConfiguration) throws -> DMADevice {
            let device = try DeviceRegistry.shared.add(
                SoftwareDevice(engine: engine, options: options, sharesEngine: true), named: name)
            try device.configure(DeviceConfiguration(virtualChannelCount: 1, priority: priority))
            try device.setUpVirtualChannel(0, configuration: channel)
            try device.start()
            return device
        }
        device = try add("steps", priority: 0, VirtualChannelConfiguration(descriptorCount: Self.ring))
        holder = try add(
            "holder", priority: 1,
            VirtualChannelConfiguration(
                direction: .mem2dev, descriptorCount: 32, destinationPort: Self.port, autoFreePool: gate))
        holding = try holder.virtualChannel(0)

        bytes = .allocate(byteCount: 4096, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let start = UInt64(UInt(bitPattern: bytes.baseAddress))
        func list(_ address: UInt64) -> UnsafeBufferPointer<ScatterGatherEntry> {
            let entries = UnsafeMutableBufferPointer<ScatterGatherEntry>.allocate(capacity: 4)
            entries.initialize(repeating: ScatterGatherEntry(address: address, length: 16))
            return UnsafeBufferPointer(entries)
        }
        subject = Subject(
            channel: try device.virtualChannel(0), source: start, destination: start + 2048, sources: list(start),
            destinations: list(start + 2048), statuses: .allocate(capacity: 1))
        subject.statuses.initialize(repeating: .successful)
    }

    deinit {
        subject.sources.deallocate()
        subject.destinations.deallocate()
        subject.statuses.deallocate()
        bytes.deallocate()
    }

    /// Returns when the engine is held up by an operation that it does not come back from by itself.
    func holdEngine() throws {
        try holding.copy(from: subject.source, to: 0, length: 8, flags: [.autoFree, .submit])
        gate.waitUntilHeld()
    }

    func releaseEngine() throws {
        gate.open()
        while try holding.completed(upTo: 1).count == 0 { sched_yield() }
    }

    /// Lets the engine go, and holds it up again when it has done all that was rung meanwhile.
    func releaseAndHoldEngine() throws {
        try holding.copy(from: subject.source, to: 0, length: 8, flags: [.autoFree, .submit])
        try releaseEngine()
        gate.waitUntilHeld()
    }

    /// A ring of this engine whose operations read the memory of another domain.
    func domainRing() throws -> DomainRing {
        try DomainRing(
            engine: engine, byteCount: UInt64(bytes.count), address: subject.source, descriptorCount: Int(Self.ring))
    }

    /// Has so many copies done, and leaves them to be polled.
    func finish(_ count: Int) throws {
        let channel = subject.channel
        for _ in 0..<count { try channel.copy(from: subject.source, to: subject.destination, length: 64) }
        try channel.submit()
        while try device.status(of: 0) != .idle { sched_yield() }
    }

    func end() throws {
        for device in [device, holder] {
            try device.stop()
            try device.close()
        }
    }
}

/// A pool that takes its time: the engine gives a buffer back to it and waits.
private final class Gate: BufferPool, @unchecked Sendable {
    // Semaphores are made to be shared.
    private let held = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let opened = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(held, 0, 0)
        sem_init(opened, 0, 0)
    }

    deinit {
        held.deallocate()
        opened.deallocate()
    }

    func giveBack(_ address: UInt64) {
        engineIsHeld()
        sem_post(held)
        while sem_wait(opened) != 0 {}
    }

    /// Begins and ends what is counted of the engine; `scripts/check-instructions` finds it by its name.
    @inline(never)
    private func engineIsHeld() {}

    func waitUntilHeld() { while sem_wait(held) != 0 {} }
    func open() { sem_post(opened) }
}
