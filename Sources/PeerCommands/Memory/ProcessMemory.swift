import CommandSupport
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// The regions of external memory and the attachments of the processes whose telemetry sockets are found.
struct ProcessMemory {
    /// A region or an attachment, as its process reported it.
    struct Row {
        /// File prefix and process ID.
        let process: String
        let path: String
        let pid: Int64?
        let members: JSONTree

        /// The reported members, after the socket and the process ID.
        var json: JSONTree {
            .object(
                [
                    JSONTree.Member("path", .string(path)), JSONTree.Member("pid", pid.map(JSONTree.integer) ?? .null),
                ] + self.members.members)
        }
    }

    private let walks: [SourceWalk<MemoryVisitor>]

    /// Reads all sources; one that fails is in ``notes``.
    init(_ options: FinderOptions) throws(Failure) {
        do throws(TelemetryClientError) {
            walks = try options.finder.query(timeout: options.timeout) { _ in MemoryVisitor() }.walks
        } catch {
            throw Failure("\(error): end other processes, or raise the limit of open files (ulimit -n)")
        }
    }

    /// All regions, in the order of sockets and addresses.
    var regions: [Row] { walks.flatMap { Self.rows(of: $0, $0.visitor.memory["regions"]) } }
    /// All attachments, in the order of sockets and numbers.
    var attachments: [Row] { walks.flatMap { Self.rows(of: $0, $0.visitor.interconnects["attachments"]) } }

    /// What could not be read, a line each.
    var notes: [String] {
        walks.flatMap { walk in
            if let failure = walk.outcome?.failure {
                return [
                    "cannot read the memory of \(Self.name(of: walk)): \(StandardStreams.printable(failure.reason))"
                ]
            }
            let (memory, interconnects) = (walk.visitor.memory, walk.visitor.interconnects)
            return [
                Self.note(of: walk, memory, "regions", "/dmadev/memory,FIRST,COUNT"),
                Self.note(of: walk, interconnects, "attachments", "/dmadev/interconnects,COUNT,FIRST"),
            ].compactMap(\.self)
        }
    }

    /// An object for each source: whether it answers, and its sums.
    var sources: JSONTree {
        .array(
            walks.map { walk in
                let members: [JSONTree.Member] = [
                    JSONTree.Member("path", .string(walk.source.path)),
                    JSONTree.Member("prefix", .string(walk.source.name.prefix)),
                    JSONTree.Member("run_directory", .string(walk.source.name.runDirectory)),
                    JSONTree.Member("instance", walk.source.name.instance.map { .integer(Int64($0)) } ?? .null),
                    JSONTree.Member("pid", walk.process.map(JSONTree.integer) ?? .null),
                ]
                if let failure = walk.outcome?.failure {
                    return .object(
                        members + [
                            JSONTree.Member("state", .string("failed")),
                            JSONTree.Member("failure", .string(failure.code.description)),
                            JSONTree.Member("reason", .string(failure.reason)),
                        ])
                }
                return .object(
                    members + [
                        JSONTree.Member("state", .string("answers")),
                        JSONTree.Member("memory", Self.sums(walk.visitor.memory, without: "regions")),
                        JSONTree.Member("interconnects", Self.sums(walk.visitor.interconnects, without: "attachments")),
                    ])
            })
    }

    private static func rows(of walk: SourceWalk<MemoryVisitor>, _ rows: JSONTree?) -> [Row] {
        guard walk.outcome?.failure == nil else { return [] }
        return (rows ?? .null).elements.map {
            Row(process: name(of: walk), path: walk.source.path, pid: walk.process, members: $0)
        }
    }

    private static func sums(_ reply: JSONTree, without rows: String) -> JSONTree {
        .object(reply.members.filter { $0.name != rows })
    }

    private static func name(of walk: SourceWalk<MemoryVisitor>) -> String {
        let source = walk.source.name
        let name = source.instance ?? 0 == 0 ? source.prefix : "\(source.prefix):\(source.instance ?? 0)"
        return StandardStreams.printable(name + (walk.process.map { "(\($0))" } ?? ""))
    }

    private static func note(
        of walk: SourceWalk<MemoryVisitor>, _ reply: JSONTree, _ rows: String, _ request: String
    ) -> String? {
        if reply == .null { return "cannot read the \(rows) of \(name(of: walk)): it answers with null" }
        guard let count = reply["count"]?.unsigned else { return nil }
        let listed = UInt64(reply[rows]?.elements.count ?? 0)
        guard count > listed else { return nil }
        return "left out \(count - listed) \(rows) of \(name(of: walk)): `dmascope query` with \(request) has them"
    }
}
