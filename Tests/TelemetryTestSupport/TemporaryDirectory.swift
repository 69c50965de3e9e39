import Glibc
import TelemetryWire

/// A directory of its own for one test, removed with all that is in it. Its path is short: sockets must fit.
public final class TemporaryDirectory: Sendable {
    /// The path.
    public let path: String

    /// A new directory with mode 0700.
    public init() {
        var template = Array("/tmp/dmascope-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, let made = mkdtemp(base) else { return "/nonexistent" }
            return String(cString: made)
        }
    }

    deinit { Self.remove(path) }

    /// The directory as the root of run directories.
    public var runDirectory: TelemetryRunDirectory { TelemetryRunDirectory(root: path) }

    /// The names of all that is below, with their way from here.
    public var contents: [String] { Self.names(below: path).sorted() }

    private static func names(below path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            found.append(name)
            if entry.pointee.d_type == UInt8(DT_DIR) {
                found += names(below: path + "/" + name).map { name + "/" + $0 }
            }
        }
        return found
    }

    private static func remove(_ path: String) {
        for name in names(below: path).sorted(by: >) { _ = Glibc.remove(path + "/" + name) }
        rmdir(path)
    }
}
