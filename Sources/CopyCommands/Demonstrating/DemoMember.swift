import ArgumentParser
import CommandSupport
import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// `dmascope demo member`: one of the two processes of `demo pair`. Only `demo pair` starts it.
struct DemoMember: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "member", abstract: "Run one process of `demo pair`.", shouldDisplay: false)

    @OptionGroup var member: DemoMemberOptions

    func run() throws {
        try member.run {
            switch DemoProcess.Role(rawValue: member.role) {
            case .creator?: try DemoCreator(member.controller).run()
            case .joiner?: try DemoJoiner(member.controller).run()
            case nil: throw ValidationError("the role is creator or joiner")
            }
        }
    }

    /// Writes an answer to `demo pair`.
    static func send(_ name: String, _ members: JSONTree.Member...) throws(Failure) {
        try StandardStreams.print(
            JSONOutput.compact(.object([JSONTree.Member("answer", .string(name))] + members)))
    }

    /// Whether a buffer has the same bytes as the data.
    static func areEqual(_ buffer: SharedBuffer, _ data: SharedMapping) -> Bool {
        guard let one = buffer.bytes.baseAddress, let other = data.bytes.baseAddress else { return false }
        return memcmp(one, other, data.bytes.count) == 0
    }

    /// Maps the bytes to compare with.
    static func data(_ byteCount: Int) throws(Failure) -> SharedMapping {
        do throws(Errno) {
            return try SharedMapping(of: DemoProcess.dataDescriptor, byteCount: byteCount, isWritable: false)
        } catch {
            throw Failure("cannot map the data: \(error): only `dmascope demo pair` starts this command")
        }
    }
}

/// What the processes of `demo pair` and `demo os` are started with.
struct DemoMemberOptions: ParsableArguments {
    @Argument(help: "Which process it is: creator or joiner of `demo pair`, first or second of `demo os`.")
    var role: String
    @Argument(help: "The controller's socket.")
    var controller: String

    /// Runs the process, and says what to do about its errors.
    func run(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DMAError {
            throw Failure("process \(role): \(error): check the controller's limits and permissions")
        } catch let error as OperationError {
            throw Failure("process \(role): \(error): check whether the controller still runs")
        }
    }
}

/// A device of the controller, in either process.
struct DemoDevice {
    let driver: ControllerDevice
    let device: DMADevice
    let domain = DomainID.random()

    init(_ controllerPath: String) throws(DMAError) {
        driver = try ControllerDevice(path: controllerPath)
        device = try DeviceRegistry().add(driver, named: "demo")
    }

    func window(
        _ buffer: SharedBuffer, _ rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        return try device.registerWindow(
            WindowMemory(address: address, length: UInt64(buffer.bytes.count)), rights: rights, in: group)
    }
}

/// The process that creates the group. It only opens windows and starts no transfer.
private struct DemoCreator {
    let own: DemoDevice

    init(_ path: String) throws(DMAError) {
        own = try DemoDevice(path)
    }

    func run() throws {
        let words = (readLine() ?? "").split(separator: " ")
        guard words.first == "create", let byteCount = words.last.flatMap({ Int($0) }) else { return }
        let data = try DemoMember.data(byteCount)
        let (outbox, inbox) = (
            try own.driver.memory.allocate(byteCount: byteCount), try own.driver.memory.allocate(byteCount: byteCount)
        )
        outbox.bytes.copyMemory(from: UnsafeRawBufferPointer(data.bytes))
        let token = AccessToken.random()
        let group = try own.device.createAccessGroup(domain: own.domain, token: token)
        let callback = AccessGroupCallback { _, event in
            guard event.kind != .joined else { return }
            try? DemoMember.send(
                "event", .init("event", .string(event.kind.name)), .init("handler", .integer(Int64(event.handler))),
                .init("domain_id", .string(event.domain.description)))
        }
        try own.device.registerEventCallback(callback, for: .update)
        let windows = [try own.window(outbox, .read, in: group), try own.window(inbox, .write, in: group)]
        try pass(token, group)
        try DemoMember.send(
            "created", .init("group_id", .integer(Int64(group))),
            .init("handler", .integer(Int64(windows[0].handler))),
            .init("domain_id", .string(own.domain.description)))
        while let command = readLine() {
            if command == "verify" {
                try DemoMember.send("verified", .init("verified", .bool(DemoMember.areEqual(inbox, data))))
            } else {
                for window in windows { try own.device.unregisterWindow(iova: window.iova) }
                try own.device.destroyAccessGroup(group)
                try own.device.close()
                return try DemoMember.send("ended")
            }
        }
    }

    /// Sends the group's number and its token to the joiner.
    private func pass(_ token: AccessToken, _ group: AccessGroupID) throws(Failure) {
        let secret = OwnedDescriptor(adopting: DemoProcess.secretDescriptor)
        let isSent = token.withUnsafeBytes { bytes in
            withUnsafeBytes(of: group) { Glibc.write(secret.raw, $0.baseAddress, $0.count) == $0.count }
                && Glibc.write(secret.raw, bytes.baseAddress, bytes.count) == bytes.count
        }
        guard isSent else { throw Failure("the other process has ended: see its message above") }
    }
}

/// The process that joins the group and starts the transfers.
private struct DemoJoiner {
    let own: DemoDevice

    init(_ path: String) throws(DMAError) {
        own = try DemoDevice(path)
    }

    func run() throws {
        let words = (readLine() ?? "").split(separator: " ")
        guard words.first == "join", words.count == 3, let byteCount = Int(words[1]), let chunk = Int(words[2]) else {
            return
        }
        let data = try DemoMember.data(byteCount)
        let (group, token) = try receive()
        let handler = try own.device.joinAccessGroup(group, domain: own.domain, token: token)
        let buffer = try own.driver.memory.allocate(byteCount: byteCount)
        let base = try own.device.mapMemory(buffer.bytes)
        let windows = try own.device.accessGroupWindows(group)
        guard let outbox = windows.first(where: { $0.rights == .read }),
            let inbox = windows.first(where: { $0.rights == .write })
        else { throw Failure("the group has no windows: please report this") }
        try own.device.start(vchanCount: 1, descriptorCount: 256)
        let mover = DemoMover(channel: try own.device.virtualChannel(0), chunk: chunk, byteCount: byteCount)
        try DemoMember.send(
            "joined", .init("handler", .integer(Int64(handler))), .init("domain_id", .string(own.domain.description)))
        while let command = readLine() {
            switch command {
            case "read":
                let (time, count) = try mover.move(
                    from: outbox.iova, to: base, .source(outbox.handler, of: .process))
                try send(time, count, DemoMember.areEqual(buffer, data))
            case "write":
                let (time, count) = try mover.move(
                    from: base, to: inbox.iova, .destination(inbox.handler, of: .process))
                try send(time, count, nil)
            case "forbidden_read":
                let status = try mover.status(from: inbox.iova, to: base, .source(inbox.handler, of: .process))
                try DemoMember.send("tried", .init("status", .string(status.description)))
            default:
                let flags: OperationFlags = .source(outbox.handler, of: .process)
                _ = try mover.move(from: outbox.iova, to: base, flags)
                try DemoMember.send("working")
                // Until `demo pair` kills this process, or has ended itself.
                while !parentHasEnded { _ = try mover.move(from: outbox.iova, to: base, flags) }
                return
            }
        }
    }

    private var parentHasEnded: Bool {
        var watched = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    private func send(_ nanoseconds: UInt64, _ operationCount: Int, _ isRight: Bool?) throws(Failure) {
        try DemoMember.send(
            "moved", .init("nanoseconds", .unsigned(nanoseconds)), .init("operations", .integer(Int64(operationCount))),
            .init("verified", isRight.map(JSONTree.bool) ?? .null))
    }

    /// Receives what the creator sends: two bytes with the group's number, sixteen bytes with the token.
    private func receive() throws -> (AccessGroupID, AccessToken) {
        let secret = OwnedDescriptor(adopting: DemoProcess.secretDescriptor)
        let length = MemoryLayout<AccessGroupID>.size + AccessToken.byteCount
        let received = withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { buffer in
            defer { RandomBytes.wipe(buffer) }
            var count = 0
            while count < length {
                let more = Glibc.read(secret.raw, buffer.baseAddress.map { $0 + count }, length - count)
                guard more > 0 else { return nil as (AccessGroupID, AccessToken)? }
                count += more
            }
            let bytes = UnsafeRawBufferPointer(buffer)
            let token = AccessToken(bytes: UnsafeRawBufferPointer(rebasing: bytes.suffix(AccessToken.byteCount)))
            return token.map { (bytes.loadUnaligned(as: AccessGroupID.self), $0) }
        }
        guard let received else { throw Failure("the other process has ended: see its message above") }
        return received
    }
}

/// Moves all bytes with the controller, one operation per chunk.
struct DemoMover {
    let channel: VirtualChannel
    let chunk: Int
    let byteCount: Int

    /// - Returns: the duration in nanoseconds, and the number of operations.
    func move(
        from source: UInt64, to destination: UInt64, _ flags: OperationFlags
    ) throws -> (nanoseconds: UInt64, operationCount: Int) {
        let count = (byteCount + chunk - 1) / chunk
        let began = MonotonicTime.now
        var (enqueued, finished) = (0, 0)
        while finished < count {
            var rung = 0
            while enqueued < count, rung < 16, try channel.burstCapacity > 0 {
                let offset = enqueued * chunk
                try channel.copy(
                    from: source + UInt64(offset), to: destination + UInt64(offset),
                    length: UInt32(min(chunk, byteCount - offset)), flags: flags)
                enqueued += 1
                rung += 1
            }
            if rung > 0 { try channel.submit() }
            let done = try channel.completed(upTo: 256)
            guard !done.hasError else {
                throw Failure("an operation has failed: check the controller's limits and permissions")
            }
            finished += done.count
            if done.count == 0 { sched_yield() }
        }
        return (UInt64(MonotonicTime.now.nanoseconds(since: began)), count)
    }

    /// Moves one byte and returns the operation's status.
    func status(
        from source: UInt64, to destination: UInt64, _ flags: OperationFlags
    ) throws -> CompletionStatus {
        try channel.copy(from: source, to: destination, length: 1, flags: flags.union(.submit))
        var status = CompletionStatus.successful
        while true {
            let count = try withUnsafeMutablePointer(to: &status) { one in
                try channel.completedStatus(into: UnsafeMutableBufferPointer(start: one, count: 1)).count
            }
            if count > 0 { return status }
            sched_yield()
        }
    }
}
