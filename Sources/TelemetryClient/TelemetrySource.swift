import TelemetryWire

/// A process with a telemetry socket, named by the place of its socket.
///
/// The place outlives the process: one that is started again in the same place is the same source. It never depends on
/// other sources. This type computes the name from the path; it does not access the file system.
public struct TelemetrySource: Sendable, Hashable, CustomStringConvertible {
    /// The directory that contains the directories of file prefixes, for example `/var/run/dpdk`.
    public let runDirectory: String
    /// The DPDK file prefix: the name of the socket's directory. For a socket with another name than DPDK's, the file's
    /// name. Empty for a run directory as a whole.
    public let prefix: String
    /// 0 for the first process with that prefix in that directory, then 1, 2…. `nil` for a socket with another name than
    /// DPDK's, for the directory of a prefix, and for a run directory.
    public let instance: Int?

    /// The source with these parts.
    public init(runDirectory: String, prefix: String, instance: Int?) {
        self.runDirectory = runDirectory
        self.prefix = prefix
        self.instance = instance
    }

    /// The source whose socket is at `path`: `DIRECTORY/PREFIX/dpdk_telemetry.v2[:N]`, or any other path.
    public init(path: String) {
        let parts = Self.parts(of: path)
        let instance = parts.last.flatMap { TelemetryRunDirectory.instance(ofSocketName: String($0)) }
        if let instance, parts.count > 1 {
            self.init(
                runDirectory: Self.path(of: parts.dropLast(2), like: path), prefix: String(parts[parts.count - 2]),
                instance: instance)
        } else {
            self.init(
                runDirectory: Self.path(of: parts.dropLast(), like: path), prefix: parts.last.map(String.init) ?? "",
                instance: nil)
        }
    }

    /// The guest whose process it is; `nil` for a process of this operating system. The guest chose what the source says,
    /// also its process id; the host's configuration has this name.
    public var domain: String? { TelemetryRunDirectory.domain(ofApplications: runDirectory) }

    /// The path of the socket, without empty components.
    public var path: String {
        guard let instance else { return directory }
        return "\(directory)/\(TelemetryRunDirectory.socketName(instance: instance))"
    }

    /// The directory of the prefix; the path itself of a socket with another name than DPDK's.
    public var directory: String {
        prefix.isEmpty ? runDirectory : (runDirectory == "/" ? "" : runDirectory) + "/" + prefix
    }

    /// The source as commands take it: `DIRECTORY/PREFIX`, and `:N` for instances other than 0.
    public var description: String { instance.map { $0 == 0 ? directory : "\(directory):\($0)" } ?? directory }

    private static func parts(of path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }

    /// Joins components to a path that is absolute if `path` is.
    private static func path(of parts: ArraySlice<Substring>, like path: String) -> String {
        let text = parts.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + text : text.isEmpty ? "." : text
    }
}

/// A user's choice of sources: `PREFIX`, `DIRECTORY/PREFIX`, `GUEST/PREFIX`, each with or without `:N`, or the path of a socket.
///
/// Without a directory or a guest it stands for the sources of all run directories, without a number for all instances.
public struct TelemetrySourceSelector: Sendable, Hashable, CustomStringConvertible {
    /// The text that the user wrote.
    public let description: String

    /// The selector with that text; every text is valid.
    public init(_ text: String) {
        description = text
    }

    /// Whether the source is selected. A run directory that cannot be read is, unless another directory was named: what is
    /// in it is not known.
    public func includes(_ source: TelemetrySource) -> Bool {
        guard description.contains("/") else {
            return source.prefix.isEmpty || matches(source.prefix, source.instance)
        }
        if source.prefix.isEmpty { return description.hasPrefix(source.directory + "/") }
        if let guest = source.domain, matches("\(guest)/\(source.prefix)", source.instance) { return true }
        return matches(source.directory, source.instance) || TelemetrySource(path: description).path == source.path
    }

    /// Whether sources in the directory of a prefix can be selected.
    ///
    /// - Parameter place: a source without instance.
    func mayIncludeSources(in place: TelemetrySource) -> Bool {
        includes(place)
            || (description.contains("/") && TelemetrySource(path: description).directory == place.directory)
    }

    private func matches(_ name: String, _ instance: Int?) -> Bool {
        if description == name { return true }
        guard description.hasPrefix(name + ":"), let number = Int(description.dropFirst(name.count + 1)) else {
            return false
        }
        // The number of an instance is not known where its directory cannot be read.
        return instance == nil || instance == number
    }
}
