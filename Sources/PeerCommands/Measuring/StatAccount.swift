import Glibc
import LinuxSystem
import MetricsExporter
import TelemetryClient

/// Adds up what happens in all processes, reading by reading.
struct StatAccount {
    struct ProcessKey: Hashable {
        let source: TelemetrySource
        let pid: Int64
    }

    struct Process {
        let key: ProcessKey
        let program: String?
        /// Seconds after the first reading of all: its first and last reading, and when it was no longer there.
        let firstRead: Double
        fileprivate(set) var lastRead: Double
        fileprivate(set) var ended: Double?
        /// Why the last attempt to read it failed, if it is still there.
        fileprivate(set) var failure: String?
        /// Whether it was there before the first reading of it, so that what it did before that is not known.
        let isOlder: Bool
        fileprivate(set) var deviceCount = 0
        fileprivate(set) var total = StatSums()
        fileprivate(set) var interval = StatSums()
        fileprivate var last: StatReading
    }

    /// Every process that was read, in the order in which they were first.
    private(set) var processes: [Process] = []
    /// Sources of which nothing was ever read, with the reason of the last attempt.
    private(set) var unread: [TelemetrySource: String] = [:]

    private var places: [ProcessKey: Int] = [:]
    /// The end of the first reading.
    private var start = MonotonicTime.now
    /// The same moment as processes' start times are counted, in clock ticks since the start of the system.
    private let startTicks: UInt64
    private var isFirst = true
    /// Sources that did not answer in time: they are left out of readings in between, which would wait for them.
    private(set) var slow: Set<TelemetrySource> = []

    init() {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        let ticks = UInt64(max(sysconf(CInt(_SC_CLK_TCK)), 1))
        startTicks = UInt64(time.tv_sec) &* ticks &+ UInt64(time.tv_nsec) &* ticks / 1_000_000_000
    }

    /// Forgets what the interval has, for the next one.
    mutating func beginInterval() {
        for place in processes.indices { processes[place].interval = StatSums() }
    }

    /// Adds a reading of all sources that were asked.
    ///
    /// - Parameter isAsked: whether a source was.
    mutating func take(_ walks: [SourceWalk<StatVisitor>], isAsked: (TelemetrySource) -> Bool) {
        let now = seconds(.now)
        var answered: Set<ProcessKey> = []
        var failures: [TelemetrySource: TelemetryClientError.Code] = [:]
        for walk in walks {
            if let failure = walk.outcome?.failure {
                failures[walk.source.name] = failure.code
                if failure.code == .timedOut { slow.insert(walk.source.name) }
                continue
            }
            slow.remove(walk.source.name)
            let key = ProcessKey(source: walk.source.name, pid: walk.process ?? 0)
            answered.insert(key)
            take(walk, key)
        }
        for place in processes.indices where !answered.contains(processes[place].key) && processes[place].ended == nil {
            let source = processes[place].key.source
            guard isAsked(source) else { continue }
            switch failures[source] {
            case nil, .notFound?, .refused?, .disconnected?: processes[place].ended = now
            case let code?: processes[place].failure = code.description
            }
        }
        for (source, code) in failures where !processes.contains(where: { $0.key.source == source }) {
            // A socket whose process ended while it was connected is no process.
            if ![.notFound, .refused, .disconnected].contains(code) { unread[source] = code.description }
        }
        if isFirst { start = .now }
        isFirst = false
    }

    /// The sources that need not be read as often as others: known for some time, and not those of the program. Of the rest,
    /// many end soon.
    func steadySources(program: pid_t?) -> Set<TelemetrySource> {
        Set(
            processes.filter { process in
                let isProgram = program.map { process.key.pid == Int64($0) } ?? false
                let isNew = !process.isOlder && process.lastRead < process.firstRead + 2
                return process.ended == nil && !isProgram && !isNew
            }.map(\.key.source))
    }

    private mutating func take(_ walk: SourceWalk<StatVisitor>, _ key: ProcessKey) {
        let reading = walk.visitor.reading
        guard let place = places[key] else {
            let isOlder = isFirst || isOlder(walk)
            let program = walk.visibleProcess.flatMap { SystemFile.text("/proc/\($0)/comm") }
                .map { String($0.prefix { $0 != "\n" }) }
            var process = Process(
                key: key, program: program ?? walk.greeting?.version, firstRead: isFirst ? 0 : seconds(reading.time),
                lastRead: isFirst ? 0 : seconds(reading.time), isOlder: isOlder, last: reading)
            process.deviceCount = reading.deviceCount
            for sums in [\Process.total, \Process.interval] {
                process[keyPath: sums].add(reading, since: isOlder ? reading : nil)
            }
            places[key] = processes.count
            processes.append(process)
            unread[key.source] = nil
            return
        }
        let last = processes[place].last
        processes[place].total.add(reading, since: last)
        processes[place].interval.add(reading, since: last)
        processes[place].last = reading
        processes[place].lastRead = seconds(reading.time)
        processes[place].deviceCount = max(processes[place].deviceCount, reading.deviceCount)
        processes[place].ended = nil
        processes[place].failure = nil
    }

    /// Whether a process that was not read before is older than the first reading. Of one in another PID namespace only the
    /// failure of earlier attempts tells.
    private func isOlder(_ walk: SourceWalk<StatVisitor>) -> Bool {
        guard let pid = walk.visibleProcess,
            let ticks = SystemFile.text("/proc/\(pid)/stat").flatMap(ProcessIdentity.startTicks)
        else { return unread[walk.source.name] != nil }
        return ticks < startTicks
    }

    /// Seconds from the end of the first reading until a time.
    func seconds(_ time: MonotonicTime) -> Double { Double(time.nanoseconds(since: start)) / 1e9 }
}
