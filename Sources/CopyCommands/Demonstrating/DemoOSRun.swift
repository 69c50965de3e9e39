import CommandSupport
import ControllerDriver
import DMAController
import DMADev
import Glibc
import GuestMachine
import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// The steps of `demo os`, and this machine's member of the group.
final class DemoOSRun {
    /// What the guests wait for: the value of the first word of this machine's page, which they read with their devices.
    enum Step: UInt64 {
        case joining, toFirst, toSecond, toHost, loss, end

        /// The name in the report.
        var name: String {
            switch self {
            case .joining: "joining"
            case .toFirst: "to_first"
            case .toSecond: "to_second"
            case .toHost: "to_host"
            case .loss: "loss"
            case .end: "end"
            }
        }
    }

    /// The length of that page's window, by which it is told from others.
    static let pageByteCount = 4096
    /// The group's number, its token in hexadecimal digits, and the number of bytes that move; in the guests only.
    static let secretPath = "/secret"

    private let byteCount: Int
    private let dataName: String
    private let data: SharedMapping
    private let termination: Termination
    private let directory: DemoDirectory
    private let shares: [DemoOSShare]
    private let controller: DMAController
    private var bridges: [DomainBridge] = []
    private let own: DemoDevice
    private let page: DeviceBuffer
    private let outbox: DeviceBuffer
    private let inbox: DeviceBuffer
    private let group: AccessGroupID
    private let events = Locked<[AccessGroupEvent]>([])
    private let callback: AccessGroupCallback
    private var guests: [DemoOSGuest] = []

    init(_ data: borrowing DemoData, kernel: String?, _ termination: Termination) throws {
        let parts: GuestParts
        do throws(GuestError) { parts = try GuestParts(kernel: kernel) } catch { throw Failure("\(error)") }
        self.termination = termination
        byteCount = data.byteCount
        dataName = data.name
        // Rings and two buffers fit in.
        var regionByteCount = 8 << 20
        while regionByteCount < 3 * byteCount { regionByteCount *= 2 }
        let directory = try DemoDirectory()
        self.directory = directory
        shares = try ["first", "second"].map { name throws(Failure) in
            try DemoOSShare(name, byteCount: regionByteCount, in: directory)
        }
        self.data = try SharedMapping(of: data.descriptor.raw, byteCount: byteCount, isWritable: false)
        var configuration = ControllerConfiguration()
        configuration.osDomains = shares.map { OSDomain(name: $0.name, memory: $0.share.memory) }
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        own = try DemoDevice(controller.path)
        // Never as short as the page.
        let length = max(byteCount, 2 * Self.pageByteCount)
        page = try own.driver.makeBuffer(byteCount: Self.pageByteCount)
        (outbox, inbox) = (try own.driver.makeBuffer(byteCount: length), try own.driver.makeBuffer(byteCount: length))
        outbox.bytes.copyMemory(from: UnsafeRawBufferPointer(self.data.bytes))
        let token = AccessToken.random()
        group = try own.device.createAccessGroup(domain: own.domain, token: token)
        callback = AccessGroupCallback { [events] _, event in events.withLock { $0.append(event) } }
        try own.device.registerEventCallback(callback, for: .update)
        for (buffer, rights) in [(page, WindowRights.read), (outbox, .read), (inbox, .write)] {
            _ = try own.device.registerWindow(
                WindowMemory(
                    address: UInt64(UInt(bitPattern: buffer.bytes.baseAddress)), length: UInt64(buffer.bytes.count)),
                rights: rights, in: group)
        }
        let digits = token.withUnsafeBytes { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        for (number, guest) in shares.enumerated() {
            bridges.append(
                try DomainBridge(
                    domain: configuration.osDomains[number], channel: guest.share.channel, controller: controller,
                    logger: Logger(label: "dmascope.bridge") { _ in SwiftLogNoOpLogHandler() }))
            guests.append(
                try DemoOSGuest(
                    guest.name, parts, guest.share, secret: "\(group) \(digits) \(byteCount)", termination))
        }
    }

    deinit {
        guests = []
        try? own.device.close()
        for bridge in bridges { bridge.stop() }
        controller.stop()
    }

    func run(_ report: inout DemoReport) throws {
        let (first, second) = (guests[0], guests[1])
        try report.begin(
            "A controller runs here, and two guests start: each shares memory and a channel with this machine only.")
        if StandardStreams.errorIsTerminal { StandardStreams.show("Two virtual machines start: some seconds.\n") }
        let handlers = try [first, second].map { try $0.wait(for: "joined")["handler"]?.unsigned ?? 0 }
        try report.add(
            "start", [.init("handlers", .array(handlers.map { .unsigned($0) }))],
            "controller   \(controller.path)", "first        guest with handler \(handlers[0])",
            "second       guest with handler \(handlers[1])",
            "all have joined group \(group): three operating systems")
        try move(
            .toFirst, first, "\(ByteCount(byteCount).text) (\(dataName)) move from this machine to the first guest.",
            &report)
        try move(.toSecond, second, "The second guest copies them from the first one's memory.", &report)
        try move(.toHost, second, "The second guest copies them to this machine's other window.", &report)
        guard let one = inbox.bytes.baseAddress, let other = data.bytes.baseAddress, memcmp(one, other, byteCount) == 0
        else { throw Failure("the bytes that came back are wrong: the controller is faulty", status: .different) }
        try report.add("compare", [.init("verified", .bool(true))], "all bytes are correct after the three copies")

        try report.begin("The first guest is killed. The others receive an event.")
        let killed = MonotonicTime.now
        guests.removeFirst()
        first.end()
        let event = try wait { self.events.withLock { $0.first { $0.kind == .left } } }
        let milliseconds = Double(MonotonicTime.now.nanoseconds(since: killed)) / 1e6
        let heard = try second.wait(for: "event")
        advance(to: .loss)
        let tried = try second.wait(for: "tried")
        try report.add(
            "kill",
            [
                .init("milliseconds", .double(milliseconds)), .init("handler", .unsigned(UInt64(event.handler))),
                .init("second_guest", heard["event"] ?? .null), .init("status", tried["status"] ?? .null),
            ],
            "this machine: event \(event.kind.name) of handler \(event.handler), "
                + "\(decimal(milliseconds, places: 0)) ms after the kill",
            "second guest: event \(JSONOutput.cell(heard["event"])) of handler \(JSONOutput.cell(heard["handler"]))",
            "a copy from the first guest's memory now fails with status \(JSONOutput.cell(tried["status"]))")
        try report.begin("The second guest ends. No connection remains.")
        advance(to: .end)
        try second.waitForEnd()
        _ = try wait { self.controller.statistics.connections == 1 ? true : nil }
        try report.add("end", [])
    }

    private func move(_ step: Step, _ guest: DemoOSGuest, _ title: String, _ report: inout DemoReport) throws {
        try report.begin(title)
        advance(to: step)
        let moved = try guest.wait(for: "moved")
        let seconds = max(Double(moved["nanoseconds"]?.unsigned ?? 0) / 1e9, 1e-9)
        try report.add(
            step.name,
            [
                .init("bytes", .integer(Int64(byteCount))), .init("operations", moved["operations"] ?? .null),
                .init("seconds", .double(seconds)),
            ],
            "\(JSONOutput.cell(moved["operations"])) operations in \(decimal(seconds, places: 3)) s, "
                + "\(Quantity.bytes(Double(byteCount) / seconds))/s")
    }

    private func advance(to step: Step) {
        page.bytes.baseAddress?.assumingMemoryBound(to: UInt64.self).storeReleasing(step.rawValue)
    }

    private func wait<Value>(_ look: () -> Value?) throws(Failure) -> Value {
        let deadline = MonotonicTime.now.advanced(by: .seconds(30))
        while MonotonicTime.now < deadline {
            if let status = termination.poll() { throw Failure("interrupted by a signal", status: status) }
            if let value = look() { return value }
            Pause.until(.now.advanced(by: .milliseconds(1)))
        }
        throw Failure("the end of a guest was not seen within 30 s: please report this", status: .timedOut)
    }
}

/// What a guest shares with this machine. The memory has no path that could stay behind, but a descriptor of this process.
private struct DemoOSShare {
    let name: String
    let share: Guest.Share
    private let memory: OwnedMemory

    /// So that the structure can be copied.
    private final class OwnedMemory: Sendable {
        let file: OwnedDescriptor

        init(_ file: consuming OwnedDescriptor) {
            self.file = file
        }
    }

    init(_ name: String, byteCount: Int, in directory: DemoDirectory) throws(Failure) {
        self.name = name
        do throws(Errno) {
            memory = OwnedMemory(try MemoryFile.make(name: "dmascope-\(name)", byteCount: byteCount))
        } catch {
            throw Failure("no memory to share with the \(name) guest: \(error): free some memory")
        }
        share = Guest.Share(
            memory: "/proc/self/fd/\(memory.file.raw)", byteCount: byteCount, channel: directory.file("\(name).channel")
        )
    }
}

/// One guest, and the answers of the process in it: JSON objects, one per line.
final class DemoOSGuest {
    private let name: String
    private let termination: Termination
    private var running: RunningGuest?
    private var received: [UInt8] = []

    init(
        _ name: String, _ parts: GuestParts, _ share: Guest.Share, secret: String, _ termination: Termination
    ) throws(Failure) {
        self.name = name
        self.termination = termination
        do throws(GuestError) {
            let machine = try Guest(parts)
            machine.share = share
            try machine.addOwnProgram(at: "/bin/dmascope")
            try machine.add(secret, at: DemoOSRun.secretPath)
            running = try machine.start(
                """
                /bin/dmascope serve --listen off >/tmp/log 2>&1 &
                /bin/dmascope demo os-member \(name) /run/dmascope/dmascope.control || { cat /tmp/log >&2; exit 1; }
                """)
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Waits for the next answer, which must have this name.
    func wait(for answer: String) throws(Failure) -> JSONTree {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                guard let reply = (try? JSONValue(parsing: line))?.tree, reply["answer"]?.string == answer else {
                    throw Failure("the \(name) guest answered \(line) instead of \(answer): please report this")
                }
                return reply
            }
            guard try receive() else { throw Failure("the \(name) guest has ended: \(reason)") }
        }
    }

    /// Waits until the guest has ended by itself.
    func waitForEnd() throws(Failure) {
        while try receive() {}
    }

    private var reason: String {
        do {
            return try running?.outcome().errors ?? "it was killed"
        } catch {
            return "\(error)"
        }
    }

    /// - Returns: whether the guest still runs.
    private func receive() throws(Failure) -> Bool {
        if let status = termination.poll() { throw Failure("interrupted by a signal", status: status) }
        do throws(GuestError) {
            // A short time, so that a signal is handled soon.
            guard let part = try running?.nextOutput(within: 50) else { return false }
            received += part
            return true
        } catch {
            throw Failure("the \(name) guest: \(error)", status: error.isTimeout ? .timedOut : .failure)
        }
    }

    /// Kills it.
    func end() { running = nil }
}
