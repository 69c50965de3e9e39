import Glibc
import TelemetryClient

/// A path with shell wildcards. Unlike `glob`, a search returns the directories that it could not read.
struct PathPattern {
    private let components: [Substring]
    private let isAbsolute: Bool

    /// `*`, `?` and `[…]` stand for characters other than a slash and a leading dot.
    init(_ text: String) {
        components = text.split(separator: "/")
        isAbsolute = text.hasPrefix("/")
    }

    /// The existing paths that match, sorted, and the directories that may have more.
    func search() -> (paths: [String], unreadable: [(path: String, error: TelemetryClientError)]) {
        var paths = [isAbsolute ? "/" : ""]
        var unreadable: [(String, TelemetryClientError)] = []
        for (number, component) in components.enumerated() {
            let isLast = number == components.count - 1
            var next: [String] = []
            for path in paths {
                let prefix = path.isEmpty || path.hasSuffix("/") ? path : path + "/"
                guard component.contains(where: { "*?[".contains($0) }) else {
                    // A directory in the middle is examined when it is read.
                    if !isLast || access(prefix + component, F_OK) == 0 { next.append(prefix + component) }
                    continue
                }
                do throws(TelemetryClientError) {
                    next += try TelemetryDiscovery.names(in: path.isEmpty ? "." : path).sorted()
                        .filter { fnmatch(String(component), $0, FNM_PERIOD) == 0 }.map { prefix + $0 }
                } catch {
                    unreadable.append((path, error))
                }
            }
            paths = next
        }
        return (paths, unreadable)
    }
}
