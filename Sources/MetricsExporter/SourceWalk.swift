import LinuxSystem
package import TelemetryClient
package import TelemetryWire

/// Takes what one source answers. A value of it serves one ``SourceWalk``.
package protocol SourceTaker: AnyObject {
    /// How much of a source is asked, channels of all of its devices together; the rest is counted.
    static var limits: (devices: Int, channels: Int, groups: Int) { get }

    /// Picks commands of those that the source offers.
    ///
    /// - Parameter process: the source's, and its number in `/proc`, `nil` when it is not seen from here.
    func pick(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand]

    /// Takes a reply; null is one, too.
    ///
    /// - Throws: when the source is not to be asked any further.
    func take(_ reply: JSONTree, to question: SourceQuestion) throws(TelemetryClientError)
}

/// A command with its parameters.
package struct SourceQuestion {
    package let command: SourceCommand
    let request: String
    /// The device that it is about, or whose channel it is about.
    package fileprivate(set) var device: SourceDevice?
    /// The channel's number, or the group's place in the reply to `/dmadev/groups`.
    package let index: Int

    fileprivate init(
        _ command: SourceCommand, _ parameters: [UInt64] = [], device: SourceDevice? = nil, index: Int = 0
    ) {
        self.command = command
        request = ([command.path] + (command.count.map { [UInt64($0)] } ?? parameters).map(String.init))
            .joined(separator: ",")
        self.device = device
        self.index = index
    }
}

/// A device of a source.
package struct SourceDevice {
    package let id: UInt64
    /// A stranger's text, cut.
    let name: String
    /// The channels that are asked for, from 0 on.
    package let channelCount: Int
}

/// Asks one source for all that its taker picks: devices by their numbers, each with its channels, then what is asked
/// once a process, by path, and each access group. Devices that have gone meanwhile and channels that are not set up are
/// left out: a question about them would be an error of the source's.
package final class SourceWalk<Taker: SourceTaker>: TelemetryConversation {
    package let source: ScrapeSource
    package let taker: Taker
    /// How it went; `nil` before the end.
    package internal(set) var outcome: TelemetrySweep.Outcome?
    /// What the source said of itself; `nil` until it did.
    package private(set) var greeting: TelemetryGreeting?
    /// The paths of its commands.
    package private(set) var offered: Set<String> = []
    /// How much was beyond the limits.
    package private(set) var omitted = (devices: 0, channels: 0, groups: 0)

    /// What was picked, by falling path.
    private var commands: [SourceCommand] = []
    /// What is still to be asked, the next one last.
    private var questions = [SourceQuestion(.offers)]
    private var current: SourceQuestion?
    private var channelsLeft = Taker.limits.channels
    /// Channels of the device that is being asked.
    private var notSetUp: Set<UInt64> = []
    private var peer: PeerCredentials?

    init(_ source: ScrapeSource, _ taker: Taker) {
        self.source = source
        self.taker = taker
    }

    /// The number of the process in `/proc`; `nil` when it is not seen from here.
    package var visibleProcess: Int32? { (outcome?.peer ?? peer).flatMap { $0.pid > 0 ? $0.pid : nil } }
    /// The number of the process: the kernel's word, or else its own; `nil` when nobody said.
    package var process: Int64? { visibleProcess.map(Int64.init) ?? greeting?.pid }

    package func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) {
        self.greeting = greeting
        self.peer = peer
    }

    package func nextRequest() -> String? {
        current = questions.popLast()
        return current?.request
    }

    package func take(_ reply: JSONTree, to request: String) throws(TelemetryClientError) {
        guard var question = current else { return }
        switch question.command {
        case .offers: return plan(Set(reply.elements.compactMap(\.string)))
        case .deviceList:
            // A device id is an int16.
            let ids = Set(reply.elements.compactMap(\.unsigned).filter { $0 <= UInt64(Int16.max) }).sorted()
            omitted.devices = max(ids.count - Taker.limits.devices, 0)
            questions += ids.prefix(Taker.limits.devices).reversed().map { id in
                SourceQuestion(.deviceInfo, [id], index: Int(id))
            }
        case .deviceInfo:
            // Null: it has gone meanwhile.
            guard reply != .null else { return }
            question.device = enter(UInt64(question.index), reply)
        case .channels:
            notSetUp = Set(reply.elements.filter { $0["nb_desc"] == nil }.compactMap { $0["vchan"]?.unsigned })
            askForChannel(from: 0, of: question.device)
        case .groups: askForGroups(reply.elements)
        // The last one of a channel: not all of them at once, of which a stranger can say that there are many.
        case picked(.vchan).first: askForChannel(from: question.index + 1, of: question.device)
        default: break
        }
        try taker.take(reply, to: question)
    }

    private func plan(_ offered: Set<String>) {
        self.offered = offered
        commands = taker.pick(from: offered, process: (process ?? 0, visibleProcess))
            .filter { offered.contains($0.path) }.sorted { $0.path > $1.path }
        questions = picked(.process).filter { $0 != .deviceList }.map { SourceQuestion($0) }
        if offered.isSuperset(of: [SourceCommand.deviceList.path, SourceCommand.deviceInfo.path]) {
            questions.append(SourceQuestion(.deviceList))
        }
    }

    private func picked(_ scope: SourceCommand.Scope) -> [SourceCommand] { commands.filter { $0.scope == scope } }

    private func enter(_ id: UInt64, _ info: JSONTree) -> SourceDevice {
        let count = Int(min(info["nb_vchans"]?.unsigned ?? 0, UInt64(UInt16.max)))
        let asked = min(count, channelsLeft)
        omitted.channels += count - asked
        channelsLeft -= asked
        let device = SourceDevice(id: id, name: JSONReader(info).label("name"), channelCount: asked)
        notSetUp = []
        if !commands.contains(.channels) { askForChannel(from: 0, of: device) }
        questions += picked(.device).filter { $0 != .deviceInfo }.map { SourceQuestion($0, [id], device: device) }
        return device
    }

    private func askForChannel(from first: Int, of device: SourceDevice?) {
        guard let device,
            let vchan = (first..<device.channelCount).first(where: { !notSetUp.contains(UInt64($0)) })
        else { return }
        questions += picked(.vchan).map {
            SourceQuestion($0, [device.id, UInt64(vchan)], device: device, index: vchan)
        }
    }

    private func askForGroups(_ rows: [JSONTree]) {
        omitted.groups = max(rows.count - Taker.limits.groups, 0)
        for (place, row) in rows.prefix(Taker.limits.groups).enumerated().reversed() {
            guard let id = row["group_id"]?.unsigned else { continue }
            let parameters = [id, row["devices"]?[0]?.unsigned].compactMap(\.self)
            questions += picked(.group).map { SourceQuestion($0, parameters, index: place) }
        }
    }
}

extension SourceFinder {
    /// Asks every source, and gives each walk with its outcome.
    ///
    /// A source that was only found and on whose socket nobody listens is none: it is what is left of a process that was
    /// killed, and is counted.
    ///
    /// - Throws: when the system has no descriptors left for asking anybody.
    package func ask<Taker: SourceTaker>(
        timeout: Duration, _ taker: (ScrapeSource) -> Taker
    ) throws(TelemetryClientError) -> (answers: [SourceWalk<Taker>], deadCount: Int) {
        let walks = sources().map { SourceWalk($0, taker($0)) }
        let outcomes = try TelemetrySweep(timeout: timeout).run(walks.map { ($0.source.path, $0) })
        for (walk, outcome) in zip(walks, outcomes) { walk.outcome = outcome }
        let answers = walks.filter { walk in
            walk.source.isNamed || ![.refused, .notFound].contains(walk.outcome?.failure?.code)
        }
        return (answers, walks.count { !$0.source.isNamed && $0.outcome?.failure?.code == .refused })
    }
}
