import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage

/// What a client beside others gets: delays of its control calls and of telemetry, beside those of a thread that only
/// echoes, and its share of what the controller moves.
struct Measurement {
    private static let length: UInt32 = 64 << 10

    /// Times of calls, in nanoseconds.
    private final class Delays: Sendable {
        private let all = Locked<[UInt64]>([])

        func measure(_ body: () throws -> Void) rethrows {
            let begin = MonotonicTime.now
            try body()
            let time = MonotonicTime.now.nanoseconds(since: begin)
            all.withLock { $0.append(time) }
        }

        /// The 99th percentile and the longest, in microseconds.
        var figures: String {
            let sorted = all.withLock { $0.sorted() }
            guard let last = sorted.last else { return "none" }
            return "\(sorted[(sorted.count - 1) * 99 / 100] / 1000) \(last / 1000)"
        }
    }

    private let end: MonotonicTime
    private let device: DMADevice
    private let buffer: SharedBuffer
    private let telemetry: TelemetrySocket

    init(_ path: String, telemetry: String, seconds: Int) throws {
        let driver = try ControllerDevice(path: path)
        device = try DeviceRegistry().add(driver, named: "dma")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 1024))
        try device.start()
        buffer = try driver.memory.allocate(byteCount: 2 * Int(Self.length))
        self.telemetry = try TelemetrySocket(telemetry)
        end = .now.advanced(by: .seconds(seconds))
    }

    /// Prints a name and its figures per line.
    func run() throws {
        let (control, queries, echoes) = (Delays(), Delays(), Delays())
        let (end, device, buffer, telemetry) = (end, device, buffer, telemetry)
        let pair = try SequencedPacketSocket.pair()
        let (near, far) = (pair.first.raw, pair.second.raw)
        let before = try telemetry.movedBytes()
        var threads = [
            try Self.thread {
                var byte: UInt8 = 0
                while read(far, &byte, 1) == 1 { _ = write(far, &byte, 1) }
            }
        ]
        threads.append(
            try Self.every(until: end) {
                echoes.measure {
                    var byte: UInt8 = 1
                    _ = write(near, &byte, 1)
                    _ = read(near, &byte, 1)
                }
            })
        let page = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<4096])
        threads.append(
            try Self.every(until: end) {
                try control.measure { try device.unmapMemory(iova: device.mapMemory(page)) }
            })
        threads.append(try Self.every(until: end) { try queries.measure { _ = try telemetry.ask("/dmadev/stats,0") } })
        let moved = try copy()
        let all = try telemetry.movedBytes() - before
        for thread in threads.dropFirst() { thread.join() }
        shutdown(near, CInt(SHUT_RDWR))
        threads[0].join()
        print("echo \(echoes.figures)")
        print("control \(control.figures)")
        print("telemetry \(queries.figures)")
        print("share \(moved * 1000 / max(all, 1))")
    }

    /// Copies without a pause; the bytes.
    private func copy() throws -> UInt64 {
        let (channel, iova) = (try device.virtualChannel(0), try device.mapMemory(buffer.bytes))
        var count: UInt64 = 0
        while MonotonicTime.now < end {
            while try channel.burstCapacity > 0 {
                try channel.copy(from: iova, to: iova + UInt64(Self.length), length: Self.length)
            }
            try channel.submit()
            count += UInt64(try channel.completed(upTo: .max).count)
            // Shorter than the work in the ring: the engine always has some, and the processor has time for others.
            usleep(100)
        }
        return count * UInt64(Self.length)
    }

    private static func thread(_ body: sending @escaping () -> Void) throws -> SystemThread {
        try SystemThread.start(name: "measure", body)
    }

    private static func every(until end: MonotonicTime, _ body: sending @escaping () throws -> Void) throws
        -> SystemThread
    {
        try thread {
            while MonotonicTime.now < end {
                do { try body() } catch { print("error \(error)") }
                // A call now and then, as a client makes them: without a pause they would be a load themselves.
                usleep(1000)
            }
        }
    }
}

/// A telemetry client.
private final class TelemetrySocket: Sendable {
    private let socket: OwnedDescriptor
    private let lock = Locked(())

    init(_ path: String) throws {
        socket = try SequencedPacketSocket.open()
        try SequencedPacketSocket.connect(socket, to: path)
        _ = try receive()
    }

    private func receive() throws -> String {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 8) { room in
            String(
                decoding: room.prefix(try SequencedPacketSocket.receive(into: room, on: socket.raw).get()),
                as: UTF8.self)
        }
    }

    func ask(_ command: String) throws -> String {
        try lock.withLock { _ in
            if let error = Array(command.utf8).withUnsafeBytes({ SequencedPacketSocket.send($0, on: socket.raw) }) {
                throw error
            }
            return try receive()
        }
    }

    /// What the controller has moved for all.
    func movedBytes() throws -> UInt64 {
        let reply = try ask("/controller/info")
        guard let name = reply.range(of: "\"bytes\":") else { return 0 }
        return UInt64(reply[name.upperBound...].prefix { $0.isNumber }) ?? 0
    }
}

extension String {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
    }
}
