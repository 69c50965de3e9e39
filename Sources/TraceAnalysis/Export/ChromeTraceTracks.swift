internal import Glibc

/// Makes slices, arrows and counters of operations.
final class ChromeTraceTracks: OperationObserver {
    let output: ChromeTraceOutput
    /// The time of the event that is taken now, in nanoseconds since 1970.
    var now: Int64 = 0
    /// How many operations were written.
    private(set) var operationCount: UInt64 = 0
    /// The channels with rows.
    private(set) var channels: [ChromeChannel] = []
    private let selector: ChannelSelector?
    private let processes: () -> TraceProcesses
    private var threadCount = 0
    private var processRows: [Int: ChromeTrack] = [:]
    private var engines: [[Int]: (track: ChromeTrack, asleepSince: Int64?)] = [:]
    private var arrowCount: UInt64 = 0

    init(_ output: ChromeTraceOutput, _ selector: ChannelSelector?, _ processes: @escaping () -> TraceProcesses) {
        self.output = output
        self.selector = selector
        self.processes = processes
    }

    // MARK: Rows

    /// The row of a process, for what is not about a channel.
    private func row(ofProcess processID: Int, _ index: Int) -> ChromeTrack {
        if let row = processRows[processID] { return row }
        let label = ChromeTraceOutput.quoted(processes().label(index, processID: processID))
        let row = makeRow(max(0, processID), "\"control\"")
        output.add("M", "\"process_name\"", row, at: nil, ",\"args\":{\"name\":\(label)}")
        processRows[processID] = row
        return row
    }

    private func makeRow(_ process: Int, _ name: String) -> ChromeTrack {
        threadCount += 1
        let row = ChromeTrack(process: process, thread: threadCount)
        output.add("M", "\"thread_name\"", row, at: nil, ",\"args\":{\"name\":\(name)}")
        output.add("M", "\"thread_sort_index\"", row, at: nil, ",\"args\":{\"sort_index\":\(threadCount)}")
        return row
    }

    /// What is kept of a channel; `nil` if it is not wanted.
    func account(of channel: TracedChannel) -> ChromeChannel? {
        // Only this class sets it.
        if let account = channel.account { return unsafeDowncast(account, to: ChromeChannel.self) }
        guard selector?.matches(channel) ?? true else { return nil }
        let device = channel.deviceName ?? "device \(channel.device)"
        let name = String(ChromeTraceOutput.quoted("\(device) vchan \(channel.vchan)").dropFirst().dropLast())
        let process = row(ofProcess: channel.processID, channel.process).process
        let account = ChromeChannel(name: name, calls: makeRow(process, "\"\(name): calls\""))
        channel.account = account
        channels.append(account)
        return account
    }

    /// The key of the row of what an engine does for a channel.
    private func engine(of ring: TracedRing, _ account: ChromeChannel) -> [Int] {
        let index = ring.engineProcess ?? ring.channel.process
        let key = [index, ring.engine ?? -1]
        if account.engines[key] == nil {
            let processID = index >= 0 ? processes().all[index].processID : ring.channel.processID
            let process = row(ofProcess: processID, index).process
            let title = ring.engine.map { "engine \($0)" } ?? "engine"
            account.engines[key] = (makeRow(process, "\"\(account.name): \(title)\""), .min)
        }
        return key
    }

    // MARK: Operations

    func take(_ operation: TracedOperation, number: UInt64, of ring: TracedRing) {
        guard let account = account(of: ring.channel), let phases = OperationPhases(operation, until: now) else {
            return
        }
        operationCount += 1
        addAsynchronous(operation, number, phases, account)
        addBytes(operation, account)
        let rung = operation.parts.contains(.rung) ? operation.rungTime : nil
        let polled = operation.parts.contains(.noticed) ? operation.noticeTime : nil
        let key = phases.run.map { _ in engine(of: ring, account) }
        let route = ChromeChannel.Route(
            rung: rung, run: phases.run.map { [$0.lowerBound, $0.upperBound] } ?? [],
            engine: key.flatMap { account.engines[$0]?.track }, polled: polled)
        if account.doorbell?.start != rung { closeDoorbell(account) }
        if account.poll?.start != polled { closePoll(account) }
        if let rung {
            account.doorbell?.count += 1
            account.doorbell = account.doorbell ?? .init(start: rung, end: rung + 1, first: number)
        }
        if let polled {
            account.poll?.count += 1
            account.poll = account.poll ?? .init(start: polled, end: polled + 1, first: number)
        }
        guard route != account.route || key != account.run?.engine else {
            account.run?.slice.count += 1
            return
        }
        closeRun(account)
        account.route = route
        guard let run = phases.run, let key else { return }
        let start = max(run.lowerBound, account.engines[key]?.end ?? .min)
        let end = max(run.upperBound, start + 1)
        account.run = (.init(start: start, end: end, first: number), operation.kind, key)
        account.engines[key]?.end = end
    }

    /// One asynchronous slice for the operation, and within it one for each part of its time.
    private func addAsynchronous(
        _ operation: TracedOperation, _ number: UInt64, _ phases: OperationPhases, _ account: ChromeChannel
    ) {
        let kind = Self.kind(operation.kind)
        let identity = ",\"cat\":\"operation\",\"id\":\"\(operationCount)\""
        var arguments = "\"operation\":\(number),\"ring_index\":\(number & 0xFFFF)"
        if operation.parts.contains(.sized) { arguments += ",\"bytes\":\(operation.bytes)" }
        if operation.parts.contains(.fence) { arguments += ",\"fence\":true" }
        if phases.hasEnd {
            arguments += ",\"status\":\(operation.status)"
        } else {
            arguments += ",\"has_end\":false"
        }
        let (name, row) = ("\"\(account.name): \(kind)\"", account.calls)
        output.add("b", name, row, at: phases.whole.lowerBound, "\(identity),\"args\":{\(arguments)}")
        for (part, times) in [("queued", phases.queued), ("run", phases.run), ("notice", phases.notice)] {
            guard let times else { continue }
            output.add("b", "\"\(part)\"", row, at: times.lowerBound, identity)
            output.add("e", "\"\(part)\"", row, at: times.upperBound, identity)
        }
        output.add("e", name, row, at: phases.whole.upperBound, identity)
    }

    private func addBytes(_ operation: TracedOperation, _ account: ChromeChannel) {
        guard operation.status == 0, !operation.parts.isDisjoint(with: [.finished, .noticed]) else { return }
        let time = operation.parts.contains(.finished) ? operation.finishTime : operation.noticeTime
        if let bytes = account.bytes, time > bytes.time { writeBytes(account) }
        account.bytes = (
            (account.bytes?.sum ?? 0) &+ operation.bytes, max(time, account.bytes?.time ?? time)
        )
    }

    private func writeBytes(_ account: ChromeChannel) {
        guard let bytes = account.bytes else { return }
        output.add(
            "C", "\"\(account.name): bytes\"", account.calls, at: bytes.time, ",\"args\":{\"bytes\":\(bytes.sum)}")
    }

    private func closeDoorbell(_ account: ChromeChannel) {
        if let slice = account.doorbell { addSlice("\"doorbell\"", account.calls, slice) }
        account.doorbell = nil
    }

    private func closePoll(_ account: ChromeChannel) {
        if let slice = account.poll { addSlice("\"poll\"", account.calls, slice) }
        account.poll = nil
    }

    /// Ends the slice of the engine, and draws the arrow from the doorbell over it to the poll.
    private func closeRun(_ account: ChromeChannel) {
        if let run = account.run, let row = account.engines[run.engine]?.track {
            addSlice("\"\(Self.kind(run.kind))\"", row, run.slice)
        }
        let slice = account.run?.slice
        defer {
            account.run = nil
            account.route = nil
        }
        guard let route = account.route, let rung = route.rung else { return }
        var points: [(ChromeTrack, Int64)] = []
        // An engine can be faster than the event of the call: arrows do not point back.
        if let slice, let row = route.engine, slice.end > rung { points.append((row, max(slice.start, rung))) }
        if let polled = route.polled, polled >= (points.last?.1 ?? rung) { points.append((account.calls, polled)) }
        guard let last = points.last else { return }
        arrowCount += 1
        let identity = ",\"cat\":\"flow\",\"id\":\"\(arrowCount)\""
        output.add("s", "\"completion\"", account.calls, at: rung, identity)
        for point in points.dropLast() { output.add("t", "\"completion\"", point.0, at: point.1, identity) }
        output.add("f", "\"completion\"", last.0, at: last.1, identity + ",\"bp\":\"e\"")
    }

    private func addSlice(_ name: String, _ row: ChromeTrack, _ slice: ChromeChannel.Slice) {
        let length = ChromeTraceOutput.microseconds(slice.end - slice.start)
        output.add(
            "X", name, row, at: slice.start,
            ",\"dur\":\(length),\"args\":{\"first_operation\":\(slice.first),\"operations\":\(slice.count)}")
    }

    /// Writes what is open of a channel.
    private func close(_ account: ChromeChannel) {
        closeRun(account)
        closeDoorbell(account)
        closePoll(account)
        writeBytes(account)
    }

    private static func kind(_ kind: UInt8) -> String {
        switch kind {
        case 1: "copy"
        case 2: "copy_sg"
        case 3: "fill"
        default: "operation"
        }
    }

    // MARK: The rest

    func takeDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, _ ring: TracedRing) {}

    /// Writes how many operations are in the ring, if that has changed.
    func noteOccupancy(of ring: TracedRing) {
        guard let account = account(of: ring.channel), account.occupancy != ring.occupancy else { return }
        account.occupancy = ring.occupancy
        output.add(
            "C", "\"\(account.name): in the ring\"", account.calls, at: now,
            ",\"args\":{\"operations\":\(ring.occupancy)}")
    }

    func takeEnd(of ring: TracedRing) {
        guard let account = ring.channel.account else { return }
        close(unsafeDowncast(account, to: ChromeChannel.self))
    }

    func takeFailure(of call: String, error: Int, channel: TracedChannel?, process: Int) {
        var row: ChromeTrack?
        if let channel {
            row = account(of: channel)?.calls
        } else if selector == nil {
            row = self.row(ofProcess: processes().all[process].processID, process)
        }
        guard let row else { return }
        let reason = String(cString: strerror(CInt(clamping: error)))
        let name = ChromeTraceOutput.quoted("\(call) failed: \(reason)")
        output.add("i", name, row, at: now, ",\"s\":\"t\",\"args\":{\"errno\":\(error)}")
    }

    func takeEngine(_ engine: Int, of process: Int, isAsleep: Bool, at time: Int64) {
        let key = [process, engine]
        if engines[key] == nil {
            let process = row(ofProcess: processes().all[process].processID, process).process
            engines[key] = (makeRow(process, "\"engine \(engine)\""), nil)
        }
        if let known = engines[key], let since = known.asleepSince { addSleep(known.track, since, time) }
        engines[key]?.asleepSince = isAsleep ? time : nil
    }

    private func addSleep(_ row: ChromeTrack, _ start: Int64, _ end: Int64) {
        output.add("X", "\"asleep\"", row, at: start, ",\"dur\":\(ChromeTraceOutput.microseconds(end - start))")
    }

    /// A control call, or an event of groups and memory.
    func addInstant(_ event: TraceEvent) {
        guard selector == nil else { return }
        let row = row(ofProcess: processes().all[event.process].processID, event.process)
        output.add("i", ChromeTraceOutput.quoted(event.layout.name), row, at: event.time, ",\"s\":\"t\"")
    }

    /// Ends what is open. Call it once, after the last operation.
    func finish() {
        channels.forEach(close)
        for engine in engines.values {
            if let since = engine.asleepSince { addSleep(engine.track, since, now) }
        }
    }
}

/// The parts of an operation's time, one after the other.
struct OperationPhases {
    /// From the first time that is known to the last.
    let whole: ClosedRange<Int64>
    /// From doorbell to start.
    var queued: ClosedRange<Int64>?
    /// From start to end.
    var run: ClosedRange<Int64>?
    /// From end to poll.
    var notice: ClosedRange<Int64>?
    /// Whether the trace has its end, or the poll that has returned it.
    let hasEnd: Bool

    /// - Parameter now: the end of an operation that has none.
    /// - Returns: `nil` if the trace has no time of it.
    init?(_ operation: TracedOperation, until now: Int64) {
        let parts = operation.parts
        hasEnd = !parts.isDisjoint(with: [.finished, .noticed])
        var start: Int64?
        if parts.contains(.started) {
            start = operation.startTime
        } else if parts.contains(.finished) {
            start = operation.execution.map { operation.finishTime - $0 }
        }
        let rung = parts.contains(.rung) ? operation.rungTime : nil
        let finish = parts.contains(.finished) ? operation.finishTime : nil
        let polled = parts.contains(.noticed) ? operation.noticeTime : nil
        var known = [rung, start, finish, polled].compactMap(\.self)
        if !hasEnd, !known.isEmpty { known.append(now) }
        guard let first = known.min(), let last = known.max() else { return nil }
        whole = first...last
        if let rung, let start, rung < start { queued = rung...start }
        if let start, let finish, start <= finish { run = start...finish }
        if let finish, let polled, finish < polled { notice = finish...polled }
    }
}
