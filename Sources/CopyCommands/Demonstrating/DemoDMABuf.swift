import ArgumentParser
import CommandSupport
import DMADev
import DMATelemetry
import DeviceDrivers
import LinuxSystem
import TelemetryWire

/// `dmascope demo dmabuf`
struct DemoDMABuf: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmabuf",
        abstract: "Show step by step how a device uses dma-bufs, and how their owner takes one back.",
        discussion: """
            Makes two dma-bufs with udmabuf or the system's DMA heap, and registers them as external memory. A software \
            device copies from one to the other. Then the device is attached to both, and the second is revoked while \
            copies into it run: when the revocation has returned, not one byte arrives any more. The demonstration also \
            shows what /dmadev/memory and /dmadev/interconnects report.

            On a machine without an exporter, or for a user without the right to use it, the same steps are made with \
            sealed files in memory, and the first step says so. --guest makes them with dma-bufs there, in a virtual \
            machine. It needs qemu-system-x86_64 and busybox in PATH (Debian's packages qemu-system-x86 and \
            busybox-static) and a kernel with udmabuf. In a checkout, scripts/fetch-packages guest fetches all three.
            """)

    @Flag(help: "Run in a virtual machine, which is started, and ended, by this command.")
    var guest = false

    @Option(
        help: ArgumentHelp(
            "The kernel of the virtual machine, as /boot/vmlinuz-6.12… of Debian's package linux-image-6.12-amd64. The "
                + "default is the one that scripts/fetch-packages guest has fetched.", valueName: "path"))
    var kernel: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard guest || kernel == nil else { throw ValidationError("--kernel needs --guest") }
    }

    func run() throws {
        let termination = Termination()
        if guest {
            return try DemoGuest.run("demo", "dmabuf", output.json ? "--json" : "", kernel: kernel, termination)
        }
        var report = DemoReport(isShown: !output.json)
        try DemoDMABufRun(termination).run(&report)
        if output.json { try StandardStreams.print(JSONOutput.compact(report.tree)) }
    }
}

/// The steps of the demonstration.
private final class DemoDMABufRun {
    private static let byteCount = 4 << 20
    /// Copies that are begun before the revocation, and after it.
    private static let (runningCount, lateCount) = (64, 16)

    private let termination: Termination
    private let exporter = DemoExporter()
    private let registry = DeviceRegistry.shared
    private let device: DMADevice
    private let source: DemoBuffer
    private let target: DemoBuffer

    init(_ termination: Termination) throws(Failure) {
        self.termination = termination
        source = try exporter.makeBuffer(name: "dmascope-source", byteCount: Self.byteCount, in: registry.memory)
        target = try exporter.makeBuffer(name: "dmascope-target", byteCount: Self.byteCount, in: registry.memory)
        device = try DMADevice.make(nil, with: .localCopies)
        do throws(DMAError) {
            try device.start(vchanCount: 1)
        } catch {
            throw Failure("the device cannot be started: \(error.message)")
        }
    }

    deinit {
        try? device.stop()
        try? device.close()
    }

    func run(_ report: inout DemoReport) throws(Failure) {
        do {
            try showBuffers(&report)
            try copy(&report)
            let attachments = try attach(&report)
            try revoke(attachments.target, from: attachments.source, &report)
            try showTelemetry(&report)
            try finish([attachments.source, attachments.target], &report)
        } catch let error as Failure {
            throw error
        } catch let error as DMAError {
            throw Failure("a step failed: \(error.message)")
        } catch {
            throw Failure("a step failed: \(error)")
        }
    }

    // MARK: Steps

    private func showBuffers(_ report: inout DemoReport) throws {
        try report.begin("Two buffers of \(ByteCount(Self.byteCount).text) are made and registered as external memory.")
        let regions = [source.region, target.region]
        let what =
            exporter.isReal
            ? "dma-bufs of \(exporter.kind.rawValue)"
            : "NO dma-bufs, but sealed files in memory (memfd): dma-bufs cannot be made here"
        try report.add(
            "buffers",
            [
                .init("kind", .string(exporter.kind.rawValue)), .init("dmabuf", .bool(exporter.isReal)),
                .init("reasons", .array(exporter.reasons.map { .string($0) })),
                .init("bytes", .integer(Int64(Self.byteCount))),
                .init("inodes", .array(regions.map { .integer(Int64(clamping: $0.inode)) })),
            ],
            (["the buffers are \(what)"] + exporter.reasons.map { "- \($0)" }
                + (exporter.isReal ? [] : ["- dmascope demo dmabuf --guest makes them in a virtual machine"])
                + regions.map { "region \($0.number): inode \($0.inode)" }).joined(separator: "\n"))
    }

    private func copy(_ report: inout DemoReport) throws {
        try report.begin("The first is copied to the second by device \(device.name), for which both are mapped.")
        try source.fill(0x5A)
        let (from, to) = (try device.mapMemory(source.region), try device.mapMemory(target.region))
        let statuses = try copies(1, from, to)
        try device.unmapMemory(source.region)
        try device.unmapMemory(target.region)
        let isRight = try statuses == [.successful] && target.holds(0x5A)
        guard isRight else {
            throw Failure("the second buffer has wrong bytes: the device is faulty", status: .different)
        }
        try report.add("copy", [.init("verified", .bool(isRight))], "all bytes are correct in the second buffer")
    }

    private func attach(
        _ report: inout DemoReport
    ) throws -> (source: BufferAttachment, target: BufferAttachment) {
        try report.begin("The device is attached to both: it gets addresses that their owner can take back.")
        let (source, target) = (try device.attach(source.region), try device.attach(target.region))
        var refusal = ""
        do throws(DMAError) {
            try registry.memory.unregister(self.target.region)
        } catch {
            refusal = error.message
        }
        try report.add(
            "attach",
            [
                .init("interconnect", .string(target.interconnect.name)),
                .init("attachments", .array([source, target].map { .integer(Int64(clamping: $0.id)) })),
                .init("unregister_refused", .string(refusal)),
            ], "attachments \(source.id) and \(target.id), over \(target.interconnect.name)",
            "unregistering the second buffer is refused: \(refusal)")
        return (source, target)
    }

    private func revoke(
        _ attachment: BufferAttachment, from source: BufferAttachment, _ report: inout DemoReport
    ) throws {
        try report.begin("The second buffer is revoked while \(Self.runningCount) copies into it run.")
        guard let from = try source.map(.toDevice).first?.address,
            let to = try attachment.map(.fromDevice).first?.address
        else { throw Failure("the buffers have no addresses: the library is faulty") }
        try enqueue(Self.runningCount, from, to)
        var running = try wait(for: 1)
        let began = MonotonicTime.now
        try attachment.revoke(within: .seconds(10))
        let nanoseconds = MonotonicTime.now.nanoseconds(since: began)
        try target.fill(0)
        running += try wait(for: Self.runningCount - running.count)
        let late = try copies(Self.lateCount, from, to)
        let isUntouched = try target.holds(0)
        guard isUntouched, !late.contains(.successful) else {
            throw Failure("bytes arrived after the revocation: the device is faulty", status: .different)
        }
        let finished = running.count { $0 == .successful }
        try report.add(
            "revoke",
            [
                .init("successful", .integer(Int64(finished))),
                .init("failed", .integer(Int64(running.count - finished))),
                .init("late_failed", .integer(Int64(late.count))),
                .init("late_status", .string("\(late[0])")), .init("untouched", .bool(isUntouched)),
                .init("revoke_ns", .integer(Int64(clamping: nanoseconds))),
            ],
            "\(finished) copies ended before the revocation, \(running.count - finished) were ended by it "
                + "(\(nanoseconds / 1000) µs)",
            "\(late.count) copies that began after it failed with status \(late[0])",
            "not one byte arrived after the revocation had returned")
    }

    private func showTelemetry(_ report: inout DemoReport) throws {
        try report.begin("Telemetry reports both: /dmadev/memory and /dmadev/interconnects.")
        let (memory, links) = (try reply("/dmadev/memory"), try reply("/dmadev/interconnects"))
        var regions = TextTable(
            ("REGION", .right), ("KIND", .left), ("EXPORTER", .left), ("BYTES", .right), ("USES", .left))
        for row in memory["regions"]?.elements ?? [] {
            let uses = row["uses"]?.elements.compactMap(\.string) ?? []
            regions.add([
                JSONOutput.cell(row["region"]), JSONOutput.cell(row["kind"]), JSONOutput.cell(row["exporter"]),
                JSONOutput.cell(row["length"]), uses.isEmpty ? "-" : uses.joined(separator: ", "),
            ])
        }
        var attachments = TextTable(("ATTACHMENT", .right), ("BUFFER", .left), ("IMPORTER", .left), ("STATE", .left))
        for row in links["attachments"]?.elements ?? [] {
            attachments.add(["id", "exporter", "importer", "state"].map { JSONOutput.cell(row[$0]) })
        }
        try report.add(
            "telemetry", [.init("memory", memory), .init("interconnects", links)], regions.text(bold: false),
            attachments.text(bold: false), "revocations: \(JSONOutput.cell(links["revocations"]))")
    }

    private func finish(_ attachments: [BufferAttachment], _ report: inout DemoReport) throws {
        try report.begin("The attachments are ended, and the buffers are unregistered.")
        // The revoked one is dead: its buffer is free already.
        try registry.memory.unregister(target.region)
        for attachment in attachments { try attachment.detach() }
        try registry.memory.unregister(source.region)
        try report.add(
            "end", [.init("regions", .integer(Int64(registry.memory.regions.count)))], "nothing remains registered")
    }

    // MARK: Copies

    private func enqueue(_ count: Int, _ from: UInt64, _ to: UInt64) throws {
        let channel = try device.virtualChannel(0)
        for _ in 0..<count { try channel.copy(from: from, to: to, length: UInt32(Self.byteCount)) }
        try channel.submit()
    }

    private func copies(_ count: Int, _ from: UInt64, _ to: UInt64) throws -> [CompletionStatus] {
        try enqueue(count, from, to)
        return try wait(for: count)
    }

    /// The statuses of the next operations, of which at least one is there if `count` is 1 or more; all of `count`.
    private func wait(for count: Int) throws -> [CompletionStatus] {
        let (channel, pause) = (try device.virtualChannel(0), Pause())
        var statuses: [CompletionStatus] = []
        while statuses.count < count {
            if let status = termination.poll() { throw Failure("", status: status) }
            var next = [CompletionStatus](repeating: .successful, count: count - statuses.count)
            let done = try next.withUnsafeMutableBufferPointer { try channel.completedStatus(into: $0) }.count
            statuses += next.prefix(done)
            if done == 0 { pause.rest() } else { pause.reset() }
        }
        return statuses
    }

    /// What a telemetry server of this process would reply.
    private func reply(_ path: String) throws -> JSONTree {
        guard let command = DeviceCommands.table(for: registry).first(where: { $0.path == path }) else {
            throw Failure("there is no command \(path)")
        }
        return try command.handler(TelemetryRequest(path)).tree
    }
}
