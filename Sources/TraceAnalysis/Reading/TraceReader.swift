internal import CBabelTrace

/// Receives the events of a trace, in the order of their times.
public protocol TraceConsumer: AnyObject {
    /// Takes one event.
    func take(_ event: TraceEvent, from processes: TraceProcesses)
}

/// Reads the traces below directories with libbabeltrace2, as one trace in the order of time.
///
/// Memory does not grow with the number of events. Used by one thread.
public final class TraceReader {
    /// The traces.
    public let directories: TraceDirectories
    /// The processes that have recorded events, complete after ``read(into:whileTrue:)``.
    public let processes = TraceProcesses()
    /// How many events were read.
    public internal(set) var eventCount: UInt64 = 0
    /// The times of the first and the last event, in nanoseconds since 1970.
    public var times: ClosedRange<Int64>? { eventCount > 0 ? firstTime...max(firstTime, lastTime) : nil }
    var firstTime: Int64 = 0
    var lastTime: Int64 = 0
    /// What is missing, complete after ``read(into:whileTrue:)``.
    public internal(set) var losses = TraceLosses()

    let layouts = PointerTable<EventLayout>()
    let streams = PointerTable<TraceStream>()

    /// Finds the traces; reads nothing yet.
    ///
    /// - Throws: ``TraceError``: libbabeltrace2 is not installed, or there is no trace.
    public init(_ paths: [String]) throws(TraceError) {
        guard cbt_load() else {
            throw TraceError(
                .notInstalled,
                "cannot load libbabeltrace2, which reads traces (\(String(cString: cbt_load_error()))): install it, on "
                    + "Debian with `apt-get install libbabeltrace2-0`")
        }
        directories = try TraceDirectories(below: paths)
        losses.isSnapshot = directories.isSnapshot
        losses.lateStreamCount = directories.lateStreamCount
    }

    /// Reads all events. Call it once.
    ///
    /// - Parameters:
    ///   - consumer: gets the events.
    ///   - goOn: is called every few events; `false` ends the reading.
    /// - Throws: ``TraceError``: a trace is damaged. What was read before has been handed over.
    public func read<Consumer: TraceConsumer>(
        into consumer: Consumer, whileTrue goOn: () -> Bool = { true }
    ) throws(TraceError) {
        let graph = try TraceGraph(directories.paths, MessageConsumer(self, consumer))
        defer { finish() }
        while try graph.runOnce() {
            guard goOn() else {
                losses.isCut = true
                return
            }
        }
    }

    /// How many events of each name were read, sorted by name.
    public var eventCounts: [(name: String, count: UInt64)] {
        Dictionary(layouts.all.map { ($0.name, $0.count) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }

    private func finish() {
        let streams = streams.all
        losses.lacksProcesses = eventCount > 0 && streams.contains { !$0.namesProcesses }
        for (owner, lossy) in Dictionary(grouping: streams, by: \.owner).sorted(by: { $0.key < $1.key }) {
            // Only the sum of a stream is right: its parts wrap.
            let events = lossy.reduce(0) { $0 &+ $1.discardedEvents }
            let packets = lossy.reduce(0) { $0 &+ $1.discardedPackets }
            let isUnknown = lossy.contains(where: \.hasUnknownDiscards)
            guard events > 0 || packets > 0 || isUnknown else { continue }
            losses.discarded.append(
                TraceLosses.Discarded(owner: owner, events: isUnknown ? nil : events, packets: packets))
        }
    }
}
