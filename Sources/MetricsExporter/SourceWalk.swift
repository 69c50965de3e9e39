import LinuxSystem
package import TelemetryClient
package import TelemetryWire

/// Receives the replies of one source during one ``SourceWalk``.
package protocol SourceVisitor: AnyObject {
    /// The most devices, channels (of all devices together) and access groups that are read of one source. The rest is only
    /// counted.
    static var limits: (devices: Int, channels: Int, groups: Int) { get }

    /// Selects the commands to send, of those that the source offers.
    ///
    /// - Parameter process: the process ID, and the one in `/proc`, which is `nil` when the process is in another PID
    ///   namespace.
    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand]

    /// Processes a reply, which may be null.
    ///
    /// - Throws: to end the walk with this error.
    func take(_ reply: JSONTree, to request: SourceRequest) throws(TelemetryClientError)
}

/// A command with its parameters.
package struct SourceRequest {
    package let command: SourceCommand
    /// The request as it is sent: path and parameters, separated by commas.
    let text: String
    /// The device of the request, or of its channel.
    package fileprivate(set) var device: SourceDevice?
    /// The number of the channel, or the index of the group in the reply to `/dmadev/groups`.
    package let index: Int

    /// For a part: the first channel.
    fileprivate var first: Int { index }
    fileprivate var isAboutDevice: Bool { command.scope == .device || command.scope == .vchan }

    fileprivate init(
        _ command: SourceCommand, _ parameters: [UInt64] = [], device: SourceDevice? = nil, index: Int = 0
    ) {
        self.command = command
        text = ([command.path] + (parameters + command.parameters).map(String.init)).joined(separator: ",")
        self.device = device
        self.index = index
    }

    /// The request for the channels of a device from `first` on.
    fileprivate static func part(of command: SourceCommand, _ device: SourceDevice, from first: Int) -> SourceRequest {
        let count = min(device.channelCount - first, SourceCommand.partCount)
        return SourceRequest(command, [device.id, UInt64(first), UInt64(count)], device: device, index: first)
    }
}

/// A device of a source.
package struct SourceDevice {
    package let id: UInt64
    /// From an untrusted peer; cut to the length of a label.
    let name: String
    /// The number of channels that are read, from channel 0 on.
    package let channelCount: Int
}

/// Sends one source all requests that its visitor selects: the commands with one request for each process, the devices by ID,
/// each with its channels, and the access groups. Requests that need no earlier reply are sent together: replies about one
/// device come before those about the next one, and others between them. Devices that were removed meanwhile and channels
/// that are not set up are skipped: the source would count a request about them as an error.
package final class SourceWalk<Visitor: SourceVisitor>: TelemetryConversation {
    package let source: ScrapeSource
    package let visitor: Visitor
    /// The result; `nil` before the end of the walk.
    package internal(set) var outcome: TelemetrySweep.Outcome?
    /// The first message of the source; `nil` until it arrives.
    package private(set) var greeting: TelemetryGreeting?
    /// The paths of all commands of the source.
    package private(set) var offered: Set<String> = []
    /// The numbers of devices, channels and groups beyond the limits.
    package private(set) var omitted = (devices: 0, channels: 0, groups: 0)

    /// The selected commands, by descending path.
    private var commands: [SourceCommand] = []
    /// Of the commands with a request for each channel, the one that is sent last.
    private var lastOfChannel: SourceCommand?
    /// The requests to be sent; the last element is the next one.
    private var requests = [SourceRequest(.commandList)]
    /// The requests that were sent and not answered, the oldest first.
    private var outstanding: [SourceRequest] = []
    private var channelsLeft = Visitor.limits.channels
    /// Channels of the current device that are not set up.
    private var notSetUp: Set<UInt64> = []
    /// The request whose reply lacks what was requested, while its device is looked at again; of several that with the lowest
    /// channel.
    private var unanswered: SourceRequest?
    private var peer: PeerCredentials?
    private let observer: ProgressObserver
    private let offeredCommands: OfferedCommands
    /// Whether the source has no `/dmadev/vchans`, so that the state of channels is determined here.
    private var observesChannels = false
    /// The properties of the device whose dump is requested.
    private var info = JSONTree.null
    /// The dump of the current device.
    private var dump = DeviceDump()

    init(
        _ source: ScrapeSource, _ visitor: Visitor, _ observer: ProgressObserver,
        _ offeredCommands: OfferedCommands = OfferedCommands()
    ) {
        self.offeredCommands = offeredCommands
        self.source = source
        self.visitor = visitor
        self.observer = observer
    }

    /// The process ID in `/proc`; `nil` when the process is in another PID namespace, or in a guest, or when a service manager
    /// has opened its socket: then the kernel knows only the manager.
    package var visibleProcess: Int32? {
        guard source.name.domain == nil, let pid = (outcome?.peer ?? peer)?.pid, pid > 0 else { return nil }
        return pid == Self.serviceManager && greeting?.pid != Int64(pid) ? nil : pid
    }
    /// The process ID from the kernel, or else from the process itself; `nil` when neither is known.
    package var process: Int64? { visibleProcess.map(Int64.init) ?? greeting?.pid }
    /// Whether only the process itself says which one it is.
    package var isProcessClaimed: Bool { visibleProcess == nil && greeting != nil }

    private static var serviceManager: Int32 { 1 }

    package func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) {
        self.greeting = greeting
        self.peer = peer
    }

    package func nextRequest() -> String? {
        // What is known of the current device ends with its last reply.
        if requests.last?.command == .deviceInfo, outstanding.contains(where: \.isAboutDevice) { return nil }
        guard let request = requests.popLast() else { return nil }
        // The last request of a channel adds those of the next one. Adding all at once would let an untrusted peer that
        // reports many channels fill the memory.
        if request.command == lastOfChannel { requestChannel(from: request.index + 1, of: request.device) }
        outstanding.append(request)
        return request.text
    }

    package func take(_ reply: JSONTree, to text: String) throws(TelemetryClientError) {
        guard var request = outstanding.first else { return }
        outstanding.removeFirst()
        if let unanswered, request.command == .deviceInfo {
            return try judge(unanswered, deviceNow: reply)
        }
        if reply == .null, request.command.hasParts || request.command.scope == .process {
            return try missing(request)
        }
        switch request.command {
        case .commandList: return plan(offeredCommands.paths(in: reply))
        case .deviceList:
            // A device id is an int16.
            let ids = Set(reply.elements.compactMap(\.unsigned).filter { $0 <= UInt64(Int16.max) }).sorted()
            omitted.devices = max(ids.count - Visitor.limits.devices, 0)
            requests += ids.prefix(Visitor.limits.devices).reversed().map { id in
                SourceRequest(.deviceInfo, [id], index: Int(id))
            }
        case .deviceInfo:
            // Null: the device was removed meanwhile.
            guard reply != .null else { return }
            if observesChannels, offered.contains(SourceCommand.dump.path) {
                info = reply
                return requests.append(SourceRequest(.dump, [UInt64(request.index)], index: request.index))
            }
            request.device = addDevice(UInt64(request.index), reply)
        case .dump where observesChannels: return try takeDump(reply, ofDevice: UInt64(request.index))
        case .statistics where observesChannels: try observe(reply, request)
        case .groups: requestGroups(reply.elements)
        default: break
        }
        if request.command.hasParts { return try takePart(reply, of: request) }
        try visitor.take(reply, to: request)
    }

    /// Passes the rows of a part to the visitor, all of `/dmadev/vchans` at once and others one after the other, and
    /// requests the next part.
    private func takePart(_ reply: JSONTree, of request: SourceRequest) throws(TelemetryClientError) {
        guard let device = request.device else { return }
        let end = min(request.first + SourceCommand.partCount, device.channelCount)
        let rows = reply.elements
        guard rows.count <= end - request.first else {
            throw TelemetryClientError(
                .tooLong, "\(source.path) answers \(request.text) with \(rows.count) channels: more than were requested"
            )
        }
        // Each channel once, in order: two rows of one channel would be two values of one series.
        guard rows.enumerated().allSatisfy({ $1["vchan"]?.unsigned == UInt64(request.first + $0) }) else {
            throw TelemetryClientError(
                .invalidValue, "\(source.path) answers \(request.text) with other channels than those requested")
        }
        if rows.isEmpty, request.first < device.channelCount { return try missing(request) }
        if request.command == .channels {
            notSetUp.formUnion(rows.filter { $0["nb_desc"] == nil }.compactMap { $0["vchan"]?.unsigned })
            try visitor.take(reply, to: request)
        } else {
            for (offset, row) in rows.enumerated() where row.members.count > 1 {
                let vchan = request.first + offset
                try visitor.take(
                    row, to: SourceRequest(request.command, [device.id, UInt64(vchan)], device: device, index: vchan))
            }
        }
        let next = request.first + rows.count
        if next < device.channelCount {
            requests.append(.part(of: request.command, device, from: next))
        } else if request.command == .channels {
            requestCounters(of: device)
        }
    }

    /// Adds what the dump says to the properties of the device, as a source of dmascope reports them.
    private func takeDump(_ reply: JSONTree, ofDevice id: UInt64) throws(TelemetryClientError) {
        dump = DeviceDump(reply)
        var members = info.members
        if let isStarted = dump.isStarted, info["started"] == nil {
            members.append(.init("started", .integer(isStarted ? 1 : 0)))
        }
        let device = addDevice(id, info)
        try visitor.take(.object(members), to: SourceRequest(.deviceInfo, [id], device: device, index: Int(id)))
    }

    /// Passes the state of a channel to the visitor, as a source of dmascope reports it.
    private func observe(_ reply: JSONTree, _ request: SourceRequest) throws(TelemetryClientError) {
        guard let device = request.device, let submitted = reply["submitted"]?.unsigned,
            let completed = reply["completed"]?.unsigned
        else { return }
        let vchan = UInt64(request.index)
        let state = observer.state(
            of: .init(source: source.name, process: process ?? 0, device: device.id, vchan: vchan),
            submitted: submitted, completed: completed)
        let row = dump.row(ofChannel: vchan, state: state, isOnly: device.channelCount == 1)
        try visitor.take(.array([row]), to: SourceRequest(.channels, [device.id], device: device, index: request.index))
    }

    /// Continues after a reply that lacks what was requested. Nothing is lost if the device was removed, or has fewer
    /// channels by now, so it is looked at again.
    private func missing(_ request: SourceRequest) throws(TelemetryClientError) {
        guard let device = request.device else { throw incomplete(request) }
        defer { if request.first < unanswered?.first ?? .max { unanswered = request } }
        guard unanswered == nil else { return }
        requests.append(SourceRequest(.deviceInfo, [device.id]))
    }

    private func judge(_ request: SourceRequest, deviceNow info: JSONTree) throws(TelemetryClientError) {
        unanswered = nil
        guard let device = request.device, (info["nb_vchans"]?.unsigned ?? 0) <= UInt64(request.first) else {
            throw incomplete(request)
        }
        requests.removeAll { $0.device?.id == device.id }
    }

    private func incomplete(_ request: SourceRequest) -> TelemetryClientError {
        TelemetryClientError(
            .incomplete, "\(source.path) does not answer \(request.text), so that what it reports would be incomplete")
    }

    private func plan(_ offered: Set<String>) {
        self.offered = offered
        observesChannels =
            offered.contains(SourceCommand.statistics.path) && !offered.contains(SourceCommand.channels.path)
        let visible = observesChannels ? offered.union([SourceCommand.channels.path]) : offered
        commands = visitor.selectCommands(from: visible, process: (process ?? 0, visibleProcess))
            .filter { offered.contains($0.path) }.sorted { $0.path > $1.path }
        lastOfChannel = selected(.vchan).first { !$0.hasParts }
        requests = selected(.process).filter { $0 != .deviceList }.map { SourceRequest($0) }
        if offered.isSuperset(of: [SourceCommand.deviceList.path, SourceCommand.deviceInfo.path]) {
            requests.append(SourceRequest(.deviceList))
        }
    }

    private func selected(_ scope: SourceCommand.Scope) -> [SourceCommand] { commands.filter { $0.scope == scope } }

    private func addDevice(_ id: UInt64, _ info: JSONTree) -> SourceDevice {
        let count = Int(min(info["nb_vchans"]?.unsigned ?? 0, UInt64(UInt16.max)))
        let channelCount = min(count, channelsLeft)
        omitted.channels += count - channelCount
        channelsLeft -= channelCount
        let device = SourceDevice(id: id, name: JSONReader(info).label("name"), channelCount: channelCount)
        notSetUp = []
        requests += selected(.device).filter { $0 != .deviceInfo && !$0.hasParts }.map {
            SourceRequest($0, [id], device: device)
        }
        if channelCount == 0 { return device }
        if commands.contains(.channels) {
            requests.append(.part(of: .channels, device, from: 0))
        } else {
            requestCounters(of: device)
        }
        return device
    }

    /// Requests what is reported of each channel.
    private func requestCounters(of device: SourceDevice) {
        requestChannel(from: 0, of: device)
        requests += selected(.vchan).filter(\.hasParts).map { .part(of: $0, device, from: 0) }
    }

    private func requestChannel(from first: Int, of device: SourceDevice?) {
        guard let device,
            let vchan = (first..<device.channelCount).first(where: { !notSetUp.contains(UInt64($0)) })
        else { return }
        requests += selected(.vchan).filter { !$0.hasParts }.map {
            SourceRequest($0, [device.id, UInt64(vchan)], device: device, index: vchan)
        }
    }

    private func requestGroups(_ rows: [JSONTree]) {
        omitted.groups = max(rows.count - Visitor.limits.groups, 0)
        for (index, row) in rows.prefix(Visitor.limits.groups).enumerated().reversed() {
            guard let id = row["group_id"]?.unsigned else { continue }
            let parameters = [id, row["devices"]?[0]?.unsigned].compactMap(\.self)
            requests += selected(.group).map { SourceRequest($0, parameters, index: index) }
        }
    }
}

/// What a ``SourceFinder`` found and read.
package struct SourceAnswers<Visitor: SourceVisitor> {
    /// The walks, each with its outcome, in the order of the sources.
    package let walks: [SourceWalk<Visitor>]
    /// Sockets without a listener that are not among the walks: they were left by processes that were killed.
    package let staleCount: Int
    /// Sources that are not among the walks because there are too many, by the reason why they are not read.
    package let omitted: [TelemetryClientError.Code: Int]
}

extension SourceFinder {
    /// Sources that are listed although they cannot or must not be read, of each reason. Any user may make more of them.
    private static var refusedLimit: Int { 100 }

    /// Reads every source of a trusted user and returns each walk with its outcome.
    ///
    /// A socket without a listener is only counted, unless the user named it.
    ///
    /// - Parameters:
    ///   - timeout: the time of one source for all of its replies together.
    ///   - selector: the sources to read; `nil`: all. The others are not among the walks.
    ///   - isIncluded: whether to read a source of these; the others are not among the walks.
    ///   - visitor: receives the replies of a source.
    /// - Throws: when the process or the system has no file descriptors left.
    package func query<Visitor: SourceVisitor>(
        timeout: Duration, of selector: TelemetrySourceSelector? = nil,
        where isIncluded: (TelemetrySource) -> Bool = { _ in true },
        _ visitor: (ScrapeSource) -> Visitor
    ) throws(TelemetryClientError) -> SourceAnswers<Visitor> {
        let offered = OfferedCommands()
        let walks = try sources(for: selector)
            .filter { selector?.includes($0.name) != false && isIncluded($0.name) }
            .map { SourceWalk($0, visitor($0), progress, offered) }
        refuse(walks)
        progress.forgetOld()
        var sweep = TelemetrySweep(timeout: timeout)
        sweep.trust = trust
        sweep.connector = connector
        // Whatever the other sources do, they do it later.
        for isFirst in [true, false] {
            let part = walks.filter { $0.outcome == nil && first.contains($0.source.name) == isFirst }
            if part.isEmpty { continue }
            let outcomes = try sweep.run(part.map { ($0.source.path, $0) })
            for (walk, outcome) in zip(part, outcomes) { walk.outcome = outcome }
        }

        var counts: [TelemetryClientError.Code: Int] = [:]
        let listed = walks.filter { walk in
            guard let code = walk.outcome?.failure?.code, !walk.source.isNamed else { return true }
            guard [.untrusted, .permissionDenied, .unreadable].contains(code) else {
                return code != .refused && code != .notFound
            }
            counts[code, default: 0] += 1
            return counts[code, default: 0] <= Self.refusedLimit
        }
        return SourceAnswers(
            walks: listed, staleCount: walks.count { !$0.source.isNamed && $0.outcome?.failure?.code == .refused },
            omitted: counts.compactMapValues { $0 > Self.refusedLimit ? $0 - Self.refusedLimit : nil })
    }

    /// Gives the sources that cannot be connected, and those in directories of users who are not trusted, their outcome.
    private func refuse<Visitor: SourceVisitor>(_ walks: [SourceWalk<Visitor>]) {
        var refusals: [String: TelemetryClientError?] = [:]
        for walk in walks {
            if let obstacle = walk.source.obstacle {
                walk.outcome = TelemetrySweep.Outcome(failure: obstacle)
                continue
            }
            if walk.source.isNamed { continue }
            let directory = TelemetryTrust.directory(of: walk.source.path)
            let refusal = refusals[directory] ?? trust.refusal(ofDirectory: directory)
            refusals[directory] = .some(refusal)
            if let refusal { walk.outcome = TelemetrySweep.Outcome(failure: refusal) }
        }
    }
}
