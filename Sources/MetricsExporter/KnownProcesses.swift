import TelemetryClient

/// What the processes of sources have said of themselves. A process that hangs says nothing, and is still the same.
struct KnownProcesses: Sendable {
    struct Record: Sendable {
        /// `nil` when it is not known.
        var pid: Int64?
        /// The version in its greeting; empty when it is not known.
        var version = ""
        fileprivate var file: FileIdentity?
    }

    private var records: [TelemetrySource: Record] = [:]

    /// The process of a source.
    subscript(_ source: ScrapeSource) -> Record { records[source.name] ?? Record() }

    /// The records after a collection; sources that were not in it are forgotten.
    func updated<Visitor: SourceVisitor>(with walks: [SourceWalk<Visitor>]) -> KnownProcesses {
        var next = KnownProcesses()
        for walk in walks {
            let before = records[walk.source.name]
            var record = Record(pid: walk.process, version: walk.greeting?.version ?? "", file: walk.source.file)
            // Without a connection the pid is not known either, but a process that is started again makes a new socket.
            let isSame = record.pid.map { $0 == before?.pid } ?? (before?.file == record.file)
            if let before, walk.greeting == nil, isSame {
                record.pid = before.pid
                record.version = before.version
            }
            next.records[walk.source.name] = record
        }
        return next
    }
}
