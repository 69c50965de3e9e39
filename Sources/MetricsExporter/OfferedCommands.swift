import TelemetryWire

/// The commands that the sources of one query offer: most of them offer the same ones.
final class OfferedCommands {
    private var reply = JSONTree.null
    private var paths: Set<String> = []

    /// The paths in a reply to `/`.
    func paths(in reply: JSONTree) -> Set<String> {
        if reply != self.reply {
            paths = Set(reply.elements.compactMap(\.string))
            self.reply = reply
        }
        return paths
    }
}
