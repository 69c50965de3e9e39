import CPeers
import DMADev
import DMAEngine
import Foundation
import SoftwareDriver

/// A software device with one channel and a ring of 1,024; its engine's thread is pinned to the engine's processor.
final class Lane {
    let device: DMADevice
    let channel: VirtualChannel
    private let engine: Engine

    static let ring: UInt16 = 1024
    static let burst: UInt32 = 32

    init(_ setting: Setting, idling: EngineIdling = .sleep) throws {
        let name = "bench-\(Self.number)"
        Self.number += 1
        engine = try Engine(name: name, idling: idling)
        device = try DeviceRegistry.shared.add(SoftwareDevice(engine: engine), named: name)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: Self.ring))
        try device.start()
        channel = try device.virtualChannel(0)
        try Self.pinEngine(named: name, setting)
    }

    /// Only one thread creates lanes.
    nonisolated(unsafe) private static var number = 0

    /// Pins the thread of that name to the engine's processor. A new thread sets its name itself: until then there is
    /// none.
    static func pinEngine(named name: String, _ setting: Setting) throws(Failure) {
        let end = cpeers_now() + 5e9
        repeat {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            for task in tasks {
                let comm = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
                guard comm == name + "\n", let thread = Int32(task) else { continue }
                return try Failure.check(cpeers_pin_thread(thread, setting.engineCPU), "the engine's thread")
            }
        } while cpeers_now() < end
        throw Failure("there is no thread \(name)")
    }

    func end() throws {
        try device.stop()
        try device.close()
    }

    /// The loop of `cpeers_run` with the public calls, for at least `least` operations.
    ///
    /// - Parameters:
    ///   - sources: the device's address of `work.source`; `nil`: the virtual address.
    ///   - destinations: the device's address of `work.destination`; `nil`: the virtual address.
    func copy(
        _ work: cpeers_work, from sources: UInt64? = nil, to destinations: UInt64? = nil, seconds: Double,
        atLeast least: Int = 0
    ) throws -> Double {
        let (channel, size) = (channel, UInt32(truncatingIfNeeded: work.size))
        return try runBursts(
            channel, work, from: sources ?? address(work.source), to: destinations ?? address(work.destination),
            seconds: seconds, atLeast: max(least, Int(work.areas))
        ) {
            (source, destination) throws(OperationError) in
            try channel.copy(from: source, to: destination, length: size)
        }
    }

    func fill(_ work: cpeers_work, pattern: UInt64, seconds: Double) throws -> Double {
        let (channel, size) = (channel, UInt32(truncatingIfNeeded: work.size))
        return try runBursts(
            channel, work, from: address(work.source), to: address(work.destination), seconds: seconds,
            atLeast: Int(work.areas)
        ) {
            (_, destination) throws(OperationError) in
            try channel.fill(destination, pattern: pattern, length: size)
        }
    }
}

/// The loop of `cpeers_run` with the public calls.
///
/// - Parameters:
///   - sources: the device's address of `work.source`.
///   - destinations: the device's address of `work.destination`.
///   - least: the minimum number of operations.
/// - Returns: nanoseconds per operation.
@inline(__always)
func runBursts(
    _ channel: VirtualChannel, _ work: cpeers_work, from sources: UInt64, to destinations: UInt64, seconds: Double,
    atLeast least: Int,
    _ enqueue: (UInt64, UInt64) throws(OperationError) -> Void
) throws -> Double {
    // Local constants, as in a separate program.
    let stride = UInt64(work.stride)
    let length = UInt64(work.areas) * stride
    let (burst, mostInFlight, touches) = (Int(work.burst), Int(work.in_flight), work.touches)
    var next: UInt64 = 0
    var oldest: UInt64 = 0
    var inFlight = 0
    var done = 0
    var stamp: UInt64 = 0
    let begin = cpeers_now()
    let end = begin + seconds * 1e9
    var isMore = true
    while isMore || inFlight != 0 {
        for _ in 0..<16 {
            if isMore, inFlight &+ burst <= mostInFlight {
                for _ in 0..<burst {
                    if touches {
                        stamp &+= 1
                        cpeers_write(work.source + Int(next), work.size, stamp)
                    }
                    try enqueue(sources &+ next, destinations &+ next)
                    next &+= stride
                    if next == length { next = 0 }
                }
                try channel.submit()
                inFlight &+= burst
            }
            let found = try channel.completed(upTo: UInt16(truncatingIfNeeded: burst))
            if found.hasError { throw Failure("an operation failed") }
            if found.count == 0 { cpeers_relax() }
            if touches {
                for _ in 0..<found.count {
                    cpeers_read(work.destination + Int(oldest), work.size)
                    oldest &+= stride
                    if oldest == length { oldest = 0 }
                }
            }
            inFlight &-= found.count
            done &+= found.count
        }
        isMore = isMore && (cpeers_now() < end || done + inFlight < least)
    }
    return (cpeers_now() - begin) / Double(done)
}

/// The address of memory for a device.
@inline(__always)
func address(_ pointer: UnsafeMutablePointer<UInt8>) -> UInt64 { UInt64(UInt(bitPattern: pointer)) }
