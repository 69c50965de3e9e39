internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The traces below a directory: LTTng writes one for each user (`…/ust/uid/UID/64-bit`) or each process
/// (`…/ust/pid/PROGRAM-PID-TIME`), below the directory of the session, of a snapshot, or of a part of a rotated session.
public struct TraceDirectories: Sendable {
    /// Directories with a file `metadata`, sorted.
    public let paths: [String]
    /// Whether the trace, or a part of it, is a snapshot, in which the oldest events may have been overwritten.
    public let isSnapshot: Bool
    /// Streams whose first packets are not there: overwritten, or in a part that is not below the directory.
    public let lateStreamCount: Int

    /// Directories deeper than this are not searched.
    private static let deepest = 12

    /// Searches at and below the paths.
    ///
    /// - Throws: ``TraceError/Code/notFound`` if a path has no trace.
    public init(below roots: [String]) throws(TraceError) {
        var found: [String] = []
        for root in roots {
            let before = found.count
            try Self.search(root, depth: 0, &found)
            guard found.count > before else {
                throw TraceError(
                    .notFound,
                    "\(root) has no trace: there is no file \"metadata\" in it or below it; give the directory that `lttng "
                        + "create` has printed")
            }
        }
        paths = Array(Set(found)).sorted()
        isSnapshot = paths.contains { path in
            path.split(separator: "/").contains { Self.isSnapshotName($0) }
        }
        // A rotated session has a stream's packets in several files, of the same name below `ust`.
        var first: [String: UInt64] = [:]
        for path in paths {
            let parts = path.split(separator: "/")
            let below = parts.suffix(from: parts.lastIndex(of: "ust") ?? parts.startIndex).joined(separator: "/")
            for (name, number) in Self.firstPackets(in: path) {
                first["\(below)/\(name)"] = min(first["\(below)/\(name)"] ?? .max, number)
            }
        }
        lateStreamCount = first.values.count { $0 > 0 }
    }

    private static func search(_ path: String, depth: Int, _ found: inout [String]) throws(TraceError) {
        let names: [String]
        do {
            names = try ProcFile.names(in: path)
        } catch {
            throw TraceError(depth > 0 ? .unreadable : .notFound, "\(path) cannot be read: \(error)")
        }
        if names.contains("metadata") {
            found.append(path)
            return
        }
        guard depth < deepest else { return }
        for name in names.sorted() {
            var status = stat()
            let below = path + "/" + name
            guard lstat(below, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            try search(below, depth: depth + 1, &found)
        }
    }

    /// `snapshot-NUMBER-DATE-TIME-NUMBER`, the name that LTTng gives.
    private static func isSnapshotName(_ name: Substring) -> Bool {
        let parts = name.split(separator: "-")
        return parts.count >= 4 && parts[0] == "snapshot" && parts.dropFirst().allSatisfy { Int($0) != nil }
    }

    /// The sequence number of the first packet of each stream's file in a trace, as LTTng-UST 2.x writes its packets: a
    /// header of 32 bytes (magic number, identifier of the trace, stream, instance), begin, end, size of the content, size
    /// of the packet, sequence number. libbabeltrace2 does not hand it on.
    private static func firstPackets(in path: String) -> [(name: String, number: UInt64)] {
        let names = (try? ProcFile.names(in: path)) ?? []
        return names.compactMap { name in
            guard name != "metadata", let file = fopen(path + "/" + name, "re") else { return nil }
            defer { fclose(file) }
            var head = [UInt8](repeating: 0, count: 72)
            guard fread(&head, 1, head.count, file) == head.count else { return nil }
            return head.withUnsafeBytes { bytes in
                guard bytes.loadUnaligned(as: UInt32.self) == 0xC1FC_1FC1 else { return nil }
                return (name, bytes.loadUnaligned(fromByteOffset: 64, as: UInt64.self))
            }
        }
    }
}
