import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// A session of LTTng for one recording.
final class RecordingSession {
    /// The absolute path of the directory that it writes to.
    let directory: String
    private let client: LTTngClient
    private let name: String
    private var isOpen = false

    /// Makes the session, and does not start it.
    ///
    /// - Parameters:
    ///   - directory: where the trace goes; `nil`: a new one in the working directory.
    ///   - filter: what operations have to be about; `nil`: all are recorded.
    /// - Throws: ``Failure``. Nothing is left then.
    init(
        _ client: LTTngClient, directory: String?, _ events: RecordedEvents.Selection, _ filter: RecordingFilter?,
        _ buffers: RecordingBuffers
    ) throws(Failure) {
        self.client = client
        let stamp = Self.stamp
        name = "dmascope-\(stamp)-\(getpid())"
        self.directory = try Self.absolute(directory ?? "dmascope-trace-\(stamp)")
        do throws(Failure) {
            try keepingCurrentSession { () throws(Failure) in
                try client.command("create", name, "--output=\(self.directory)")
            }
            isOpen = true
            try makeChannel("operations", "\(buffers.subBufferSize)M", buffers.subBufferCount)
            let ofEngines = events.operations.filter { $0.hasPrefix("dmadev_engine:") }
            try enable(events.operations.filter { !ofEngines.contains($0) }, "operations", filter?.calls)
            try enable(ofEngines, "operations", filter?.engines)
            try enable(events.sleeps, "operations", nil)
            try makeChannel("control", "\(RecordingBuffers.control.size)k", RecordingBuffers.control.count)
            try enable(events.control, "control", nil)
            try client.command("add-context", "--userspace", "--session=\(name)", "--type=vpid")
        } catch {
            destroy()
            throw error
        }
    }

    private func makeChannel(_ channel: String, _ size: String, _ count: Int) throws(Failure) {
        try client.command(
            "enable-channel", "--userspace", "--session=\(name)", "--buffers-uid", "--discard",
            "--subbuf-size=\(size)", "--num-subbuf=\(count)", channel)
    }

    private func enable(_ events: [String], _ channel: String, _ filter: String?) throws(Failure) {
        guard !events.isEmpty else { return }
        let list = events.joined(separator: ",")
        if let filter {
            try client.command(
                "enable-event", "--userspace", "--session=\(name)", "--channel=\(channel)",
                "--filter=\(filter)", list)
        } else {
            try client.command("enable-event", "--userspace", "--session=\(name)", "--channel=\(channel)", list)
        }
    }

    /// From now on, events are recorded.
    func start() throws(Failure) { try client.command("start", name) }

    /// Ends the recording, and the session. Call it once.
    ///
    /// - Returns: how many events and packets the tracer has had no room for.
    func end() throws(Failure) -> (events: UInt64, packets: UInt64) {
        let list: String
        do throws(Failure) {
            // Returns when all is written.
            try client.command("stop", name)
            list = try client.command("list", name)
        } catch {
            // For the same reason, this may fail, too.
            isOpen = false
            _ = try? client.command("destroy", name)
            throw error
        }
        destroy()
        return (Self.sum(of: "Discarded events:", in: list), Self.sum(of: "Lost packets:", in: list))
    }

    /// Removes the directories of a session that has recorded nothing.
    func removeEmptyDirectories() { Self.removeEmptyDirectories(directory) }

    private static func removeEmptyDirectories(_ path: String) {
        guard rmdir(path) != 0, errno == ENOTEMPTY else { return }
        for name in names(in: path) { removeEmptyDirectories("\(path)/\(name)") }
        rmdir(path)
    }

    /// Removes the session. What was recorded stays.
    func destroy() {
        guard isOpen else { return }
        isOpen = false
        do throws(Failure) {
            try client.command("destroy", name)
        } catch {
            StandardStreams.reportError(error.message)
        }
    }

    /// Bytes of the trace.
    var byteCount: UInt64 { Self.byteCount(below: directory) }

    private static func byteCount(below path: String) -> UInt64 {
        names(in: path).reduce(0) { sum, name in
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { return sum }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return sum + byteCount(below: "\(path)/\(name)")
            case S_IFREG: return sum + UInt64(max(0, status.st_size))
            default: return sum
            }
        }
    }

    /// What is in a directory; nothing, if it cannot be read.
    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The numbers after a word, added up.
    private static func sum(of word: String, in list: String) -> UInt64 {
        list.split(separator: "\n").reduce(0) { sum, line in
            guard let place = line.firstRange(of: word) else { return sum }
            return sum + (UInt64(line[place.upperBound...].filter(\.isNumber)) ?? 0)
        }
    }

    private static func absolute(_ path: String) throws(Failure) -> String {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR || !names(in: path).isEmpty {
            throw Failure("\(path) is not an empty directory: choose another --output")
        }
        var full = path
        if !path.hasPrefix("/") {
            guard let current = getcwd(nil, 0) else {
                throw Failure("the working directory does not exist: change it, or choose another --output")
            }
            defer { free(current) }
            full = String(cString: current) + "/" + path
        }
        // The tracer makes the directories, and does not say why it cannot.
        var existing = full[...]
        while access(String(existing), F_OK) != 0, errno == ENOENT, let slash = existing.lastIndex(of: "/") {
            existing = slash == existing.startIndex ? "/" : existing[..<slash]
        }
        guard stat(String(existing), &status) == 0 else {
            throw Failure("cannot make \(path): \(Errno(rawValue: errno)): choose another --output")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure("cannot make \(path): \(existing) is not a directory: choose another --output")
        }
        guard access(String(existing), W_OK | X_OK) == 0 else {
            throw Failure("cannot write to \(existing): \(Errno(rawValue: errno)): choose another --output")
        }
        return full
    }

    /// Whether the file system of the trace has no room left, so that the tracer could not write all of it.
    var isDiskFull: Bool {
        var status = statvfs()
        return statvfs(directory, &status) == 0 && status.f_bavail == 0
    }

    /// `20260131-235959`.
    private static var stamp: String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y%m%d-%H%M%S", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A new session becomes the one that `lttng` commands without a name are about. This one does not.
    private func keepingCurrentSession(_ body: () throws(Failure) -> Void) throws(Failure) {
        let path = LTTngClient.home + "/.lttngrc"
        let before = try? ProcFile.bytes(path, atMost: 4096)
        try body()
        if let before {
            try ReplacedFile(path: path, mode: nil).replace(with: String(decoding: before, as: UTF8.self))
        } else {
            unlink(path)
        }
    }
}
