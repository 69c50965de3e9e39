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

    fileprivate init(
        _ command: SourceCommand, _ parameters: [UInt64] = [], device: SourceDevice? = nil, index: Int = 0
    ) {
        self.command = command
        text = ([command.path] + (command.count.map { [UInt64($0)] } ?? parameters).map(String.init))
            .joined(separator: ",")
        self.device = device
        self.index = index
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

/// Sends one source all requests that its visitor selects: devices by ID, each with its channels, then the commands with
/// one request for each process, by path, then each access group. Devices that were removed meanwhile and channels that are
/// not set up are skipped: the source would count a request about them as an error.
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
    /// The requests to be sent; the last element is the next one.
    private var requests = [SourceRequest(.commandList)]
    private var current: SourceRequest?
    private var channelsLeft = Visitor.limits.channels
    /// Channels of the current device that are not set up.
    private var notSetUp: Set<UInt64> = []
    private var peer: PeerCredentials?

    init(_ source: ScrapeSource, _ visitor: Visitor) {
        self.source = source
        self.visitor = visitor
    }

    /// The process ID in `/proc`; `nil` when the process is in another PID namespace.
    package var visibleProcess: Int32? { (outcome?.peer ?? peer).flatMap { $0.pid > 0 ? $0.pid : nil } }
    /// The process ID from the kernel, or else from the process itself; `nil` when neither is known.
    package var process: Int64? { visibleProcess.map(Int64.init) ?? greeting?.pid }

    package func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) {
        self.greeting = greeting
        self.peer = peer
    }

    package func nextRequest() -> String? {
        current = requests.popLast()
        return current?.text
    }

    package func take(_ reply: JSONTree, to text: String) throws(TelemetryClientError) {
        guard var request = current else { return }
        switch request.command {
        case .commandList: return plan(Set(reply.elements.compactMap(\.string)))
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
            request.device = addDevice(UInt64(request.index), reply)
        case .channels:
            notSetUp = Set(reply.elements.filter { $0["nb_desc"] == nil }.compactMap { $0["vchan"]?.unsigned })
            requestChannel(from: 0, of: request.device)
        case .groups: requestGroups(reply.elements)
        // The last request of a channel adds those of the next one. Adding all at once would let an untrusted peer that
        // reports many channels fill the memory.
        case selected(.vchan).first: requestChannel(from: request.index + 1, of: request.device)
        default: break
        }
        try visitor.take(reply, to: request)
    }

    private func plan(_ offered: Set<String>) {
        self.offered = offered
        commands = visitor.selectCommands(from: offered, process: (process ?? 0, visibleProcess))
            .filter { offered.contains($0.path) }.sorted { $0.path > $1.path }
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
        if !commands.contains(.channels) { requestChannel(from: 0, of: device) }
        requests += selected(.device).filter { $0 != .deviceInfo }.map { SourceRequest($0, [id], device: device) }
        return device
    }

    private func requestChannel(from first: Int, of device: SourceDevice?) {
        guard let device,
            let vchan = (first..<device.channelCount).first(where: { !notSetUp.contains(UInt64($0)) })
        else { return }
        requests += selected(.vchan).map {
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
    /// - Throws: when the process or the system has no file descriptors left.
    package func query<Visitor: SourceVisitor>(
        timeout: Duration, _ visitor: (ScrapeSource) -> Visitor
    ) throws(TelemetryClientError) -> SourceAnswers<Visitor> {
        let walks = sources().map { SourceWalk($0, visitor($0)) }
        refuse(walks)
        var sweep = TelemetrySweep(timeout: timeout)
        sweep.trust = trust
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
