import ArgumentParser
import CommandSupport
import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// `dmascope demo os-member`: the process in a guest of `demo os`. Only `demo os` starts it.
struct DemoOSMember: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "os-member", abstract: "Run the process in a guest of `demo os`.", shouldDisplay: false)

    @OptionGroup var member: DemoMemberOptions

    func run() throws {
        try member.run {
            let own = try connect()
            try DemoOSMemberRun(own, isFirst: member.role == "first").run()
        }
    }

    /// The broker needs some time to start, and to find the host.
    private func connect() throws(DMAError) -> DemoDevice {
        let deadline = MonotonicTime.now.advanced(by: .seconds(60))
        while true {
            do throws(DMAError) {
                return try DemoDevice(member.controller)
            } catch {
                // As long as it has no host, it closes connections.
                guard [.connectionRefused, .noSuchFileOrDirectory, .ioError].contains(error.errno),
                    MonotonicTime.now < deadline
                else { throw error }
                Pause.until(.now.advanced(by: .milliseconds(50)))
            }
        }
    }
}

private struct DemoOSMemberRun {
    private let own: DemoDevice
    private let isFirst: Bool
    private let byteCount: Int
    private let group: AccessGroupID
    private let buffer: DeviceBuffer
    private let page: DeviceBuffer
    private let base: UInt64
    private let pageBase: UInt64
    private let mover: DemoMover
    private let pageMover: DemoMover
    private let handler: DomainHandler
    private let callback: AccessGroupCallback

    init(_ own: DemoDevice, isFirst: Bool) throws {
        self.own = own
        self.isFirst = isFirst
        let (group, token, byteCount) = try Self.secret()
        (self.group, self.byteCount) = (group, byteCount)
        callback = AccessGroupCallback { _, event in
            guard event.kind == .left else { return }
            try? DemoMember.send(
                "event", .init("event", .string(event.kind.name)), .init("handler", .integer(Int64(event.handler))))
        }
        handler = try own.device.joinAccessGroup(group, domain: own.domain, token: token)
        if !isFirst { try own.device.registerEventCallback(callback, for: .update) }
        buffer = try own.driver.makeBuffer(byteCount: max(byteCount, 2 * DemoOSRun.pageByteCount))
        page = try own.driver.makeBuffer(byteCount: DemoOSRun.pageByteCount)
        base = try own.device.mapMemory(buffer.bytes)
        pageBase = try own.device.mapMemory(page.bytes)
        try own.device.start(vchanCount: 1, descriptorCount: 256)
        let channel = try own.device.virtualChannel(0)
        mover = DemoMover(channel: channel, chunk: 256 << 10, byteCount: byteCount)
        pageMover = DemoMover(channel: channel, chunk: 8, byteCount: 8)
    }

    /// The group's number and token, and the number of bytes, from the file that `demo os` has put into the guest.
    private static func secret() throws(Failure) -> (AccessGroupID, AccessToken, Int) {
        let words =
            ((try? ProcFile.bytes(DemoOSRun.secretPath, atMost: 256)).map { String(decoding: $0, as: UTF8.self) } ?? "")
            .split(separator: " ")
        let digits = Array((words.dropFirst().first ?? "").utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
        guard words.count == 3, let group = AccessGroupID(words[0]), let byteCount = Int(words[2]),
            let token = bytes.withUnsafeBytes({ AccessToken(bytes: $0) })
        else { throw Failure("only `dmascope demo os` starts this command") }
        return (group, token, byteCount)
    }

    func run() throws {
        try DemoMember.send("joined", .init("handler", .integer(Int64(handler))))
        let host = try own.device.accessGroupWindows(group)
        guard let steps = host.first(where: { $0.length == UInt64(DemoOSRun.pageByteCount) }),
            let outbox = host.first(where: { $0.handler == steps.handler && $0.rights == .read && $0 != steps }),
            let inbox = host.first(where: { $0.handler == steps.handler && $0.rights == .write })
        else { throw Failure("the group has no windows: please report this") }
        if isFirst {
            try wait(for: .toFirst, steps)
            let moved = try mover.move(from: outbox.iova, to: base, .source(outbox.handler, of: .operatingSystem))
            let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
            _ = try own.device.registerWindow(
                WindowMemory(address: address, length: UInt64(buffer.bytes.count)), rights: .read, in: group)
            try send(moved)
            // Until the guest is killed.
            try wait(for: .end, steps)
            return
        }
        try wait(for: .toSecond, steps)
        guard let first = try own.device.accessGroupWindows(group).first(where: { $0.handler != steps.handler }) else {
            throw Failure("the first guest has no window: please report this")
        }
        try send(try mover.move(from: first.iova, to: base, .source(first.handler, of: .operatingSystem)))
        try wait(for: .toHost, steps)
        try send(try mover.move(from: base, to: inbox.iova, .destination(inbox.handler, of: .operatingSystem)))
        try wait(for: .loss, steps)
        let status = try mover.status(from: first.iova, to: base, .source(first.handler, of: .operatingSystem))
        try DemoMember.send("tried", .init("status", .string(status.description)))
        try wait(for: .end, steps)
        try own.device.close()
    }

    private func send(_ moved: (nanoseconds: UInt64, operationCount: Int)) throws(Failure) {
        try DemoMember.send(
            "moved", .init("nanoseconds", .unsigned(moved.nanoseconds)),
            .init("operations", .integer(Int64(moved.operationCount))))
    }

    /// Reads the host's page until it says that a step has begun.
    private func wait(for step: DemoOSRun.Step, _ steps: DomainWindow) throws {
        while true {
            _ = try pageMover.move(from: steps.iova, to: pageBase, .source(steps.handler, of: .operatingSystem))
            if page.bytes.load(as: UInt64.self) >= step.rawValue { return }
            Pause.until(.now.advanced(by: .milliseconds(20)))
        }
    }
}
