import MetricsExporter
import TelemetryWire

/// Takes the external memory and the attachments of one process.
final class MemoryVisitor: SourceVisitor {
    static let limits = (devices: 0, channels: 0, groups: 0)

    /// As many attachments as fit into a reply; more are counted.
    private static let attachments = SourceCommand.attachments(64)

    /// The reply to `/dmadev/memory`; an empty object when the process has no such command.
    private(set) var memory = JSONTree.object([])
    /// The reply to `/dmadev/interconnects`; an empty object when the process has no such command.
    private(set) var interconnects = JSONTree.object([])

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        [.memory, Self.attachments]
    }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        switch request.command {
        case .memory: memory = reply
        case Self.attachments: interconnects = reply
        default: break
        }
    }
}
