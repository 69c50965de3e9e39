import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// The run directories of all users, looked at without a symbolic link that one of them could set.
struct RunDirectoryTree {
    /// A run directory: how to open it again.
    private struct Place {
        /// The root of the search, and the name in it for a root with a wildcard.
        let root: String, name: String?
        /// The path below that: `dpdk`, or that of a guest.
        let rest: String
    }

    /// Each of a directory; beyond it, the search says that it has left out the rest.
    static let nameLimit = 4096
    /// Of one run directory; any user may make more of them in his own.
    static let socketLimit = 1024

    private let roots: [String]
    /// By the path of the directory that contains the directories of file prefixes.
    private var places: [String: Place] = [:]

    /// - Parameter roots: directories that may hold `dpdk`, or `DIRECTORY/*` for all directories in one. The paths themselves
    ///   are trusted.
    init(roots: [String]) {
        self.roots = roots
    }

    /// Calls `report` for each socket and for each directory that cannot be read.
    mutating func search(_ report: (ConnectorEntry) -> Void) {
        places = [:]
        var seen: Set<[UInt64]> = []
        let foreign = Self.userFileSystems()
        for root in roots {
            guard root.hasSuffix("/*") else {
                search(in: root, name: nil, &seen, report)
                continue
            }
            let parent = String(root.dropLast(2))
            for name in Self.names(in: parent, report) where !foreign.contains("\(parent)/\(name)") {
                search(in: parent, name: name, &seen, report)
            }
        }
    }

    /// Connects to a socket that ``search(_:)`` could have found.
    ///
    /// - Throws: ENOENT for any other path.
    func connect(to path: String) throws(Errno) -> OwnedDescriptor {
        let source = TelemetrySource(path: path)
        guard let instance = source.instance, let place = places[source.runDirectory],
            TelemetryRunDirectory.isValid(filePrefix: source.prefix)
        else { throw .noSuchFileOrDirectory }
        let root = try Self.open(place.root, place.name)
        let directory = try PathBelow.open(place.rest, below: root, PathBelow.readingDirectory)
        let socket = "\(source.prefix)/\(TelemetryRunDirectory.socketName(instance: instance))"
        return try PathBelow.connect(socket, below: directory)
    }

    private mutating func search(
        in root: String, name: String?, _ seen: inout Set<[UInt64]>, _ report: (ConnectorEntry) -> Void
    ) {
        let path = name.map { "\(root == "/" ? "" : root)/\($0)" } ?? root
        do throws(Errno) {
            let directory = try Self.open(root, name)
            // Two roots may be one directory, as /run and /var/run are.
            guard seen.insert(Self.identity(of: directory)).inserted else { return }
            let layout = TelemetryRunDirectory(root: path)
            search(
                layout.applications, Place(root: root, name: name, rest: Self.rest(layout.applications, path)),
                directory, report)
            for guest in Self.names(Self.rest(layout.domains, path), below: directory, layout.domains, report) {
                let applications = layout.domain(guest).applications
                search(
                    applications, Place(root: root, name: name, rest: Self.rest(applications, path)), directory, report)
            }
        } catch {
            if !Self.isAbsent(error) { report(.obstacle(path: path, errno: error.rawValue)) }
        }
    }

    private mutating func search(
        _ applications: String, _ place: Place, _ root: borrowing OwnedDescriptor, _ report: (ConnectorEntry) -> Void
    ) {
        var left = Self.socketLimit
        let prefixes = Self.names(place.rest, below: root, applications, report).sorted()
        if !prefixes.isEmpty { places[applications] = place }
        for prefix in prefixes {
            let path = "\(applications)/\(prefix)"
            do throws(Errno) {
                let directory = try PathBelow.open("\(place.rest)/\(prefix)", below: root, PathBelow.readingDirectory)
                let instances = try PathBelow.names(in: directory, atMost: Self.nameLimit)
                    .compactMap(TelemetryRunDirectory.instance(ofSocketName:)).sorted()
                for instance in instances {
                    guard left > 0 else { return report(.obstacle(path: applications, errno: E2BIG)) }
                    left -= 1
                    let name = TelemetryRunDirectory.socketName(instance: instance)
                    let file = try PathBelow.open(name, below: directory, PathBelow.examining)
                    guard let socket = SocketIdentity(of: file) else { continue }
                    report(
                        .socket(
                            path: "\(path)/\(name)", device: socket.device, inode: socket.inode, owner: socket.owner))
                }
            } catch {
                if !Self.isAbsent(error) { report(.obstacle(path: path, errno: error.rawValue)) }
            }
        }
    }

    /// The names in a directory below an open one; none if there is no such directory.
    private static func names(
        _ path: String, below directory: borrowing OwnedDescriptor, _ whole: String,
        _ report: (ConnectorEntry) -> Void
    ) -> [String] {
        do throws(Errno) {
            let opened = try PathBelow.open(path, below: directory, PathBelow.readingDirectory)
            return limited(try PathBelow.names(in: opened, atMost: nameLimit + 1), whole, report)
        } catch {
            if !isAbsent(error) { report(.obstacle(path: whole, errno: error.rawValue)) }
            return []
        }
    }

    /// The names in a trusted directory.
    private static func names(in path: String, _ report: (ConnectorEntry) -> Void) -> [String] {
        do throws(Errno) {
            return limited(try ProcFile.names(in: path, atMost: nameLimit + 1).sorted(), path, report)
        } catch {
            if !isAbsent(error) { report(.obstacle(path: path, errno: error.rawValue)) }
            return []
        }
    }

    private static func limited(_ names: [String], _ path: String, _ report: (ConnectorEntry) -> Void) -> [String] {
        if names.count > nameLimit { report(.obstacle(path: path, errno: E2BIG)) }
        // The path of a longer one could not be sent.
        return names.prefix(nameLimit).filter { $0.utf8.count <= 255 }
    }

    private static func open(_ root: String, _ name: String?) throws(Errno) -> OwnedDescriptor {
        let directory = try PathBelow.openTrusted(root)
        guard let name else { return directory }
        // The directory of a user is a file system of its own.
        return try PathBelow.open(name, below: directory, PathBelow.examining | O_DIRECTORY, stays: false)
    }

    /// What is not there, or is no directory, or has gone meanwhile.
    private static func isAbsent(_ error: Errno) -> Bool {
        [.noSuchFileOrDirectory, .notDirectory].contains(error)
    }

    private static func identity(of directory: borrowing OwnedDescriptor) -> [UInt64] {
        var status = stat()
        guard fstat(directory.raw, &status) == 0 else { return [] }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }

    private static func rest(_ path: String, _ root: String) -> String {
        String(path.dropFirst(root.count).drop { $0 == "/" })
    }

    /// Where users have mounted file systems of their own programs, whose calls need not return.
    private static func userFileSystems() -> Set<String> {
        guard let bytes = try? ProcFile.bytes("/proc/self/mountinfo", atMost: 16 << 20) else { return [] }
        var paths: Set<String> = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, let separator = words.firstIndex(of: "-"), words.indices.contains(separator + 1),
                words[separator + 1].hasPrefix("fuse")
            else { continue }
            paths.insert(String(words[4]))
        }
        return paths
    }
}
