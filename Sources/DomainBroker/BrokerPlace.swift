internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// What a guest shares with its host: one region of memory, and one byte stream.
public struct BrokerPlace: Sendable, Equatable {
    /// The path of the memory: the resource of a PCI device, or a file.
    public var memory: String
    /// The path of the stream: a virtio port, or a Unix stream socket.
    public var channel: String
    /// The file that enables the PCI device; `nil`: there is none.
    public var enable: String?

    /// The memory and the stream at these paths.
    public init(memory: String, channel: String, enable: String? = nil) {
        self.memory = memory
        self.channel = channel
        self.enable = enable
    }

    /// The name of the virtio port that the host gives the guest.
    public static let portName = "dmascope"

    /// Finds the shared memory (PCI device 1af4:1110, ivshmem) and the virtio port named `dmascope`.
    ///
    /// - Parameters:
    ///   - system: where `/sys` is.
    ///   - devices: where `/dev` is.
    /// - Returns: `nil` without such a port: this is no guest that was prepared.
    /// - Throws: ``BrokerError`` when the port is there, and not exactly one shared memory.
    public static func find(system: String = "/sys", devices: String = "/dev") throws(BrokerError) -> BrokerPlace? {
        let ports = entries(of: "\(system)/class/virtio-ports").filter {
            text("\(system)/class/virtio-ports/\($0)/name") == portName
        }
        guard let port = ports.first else { return nil }
        let root = "\(system)/bus/pci/devices"
        let regions = entries(of: root).filter {
            text("\(root)/\($0)/vendor") == "0x1af4" && text("\(root)/\($0)/device") == "0x1110"
        }
        guard ports.count == 1, regions.count == 1, let region = regions.first else {
            throw BrokerError(
                "this guest has \(ports.count) virtio ports named \(portName) and \(regions.count) shared memories "
                    + "(ivshmem): name one of each with --broker, or use --no-controller")
        }
        return BrokerPlace(
            memory: "\(root)/\(region)/resource2", channel: "\(devices)/\(port)", enable: "\(root)/\(region)/enable")
    }

    private static func entries(of directory: String) -> [String] {
        guard let opened = opendir(directory) else { return [] }
        defer { closedir(opened) }
        var names: [String] = []
        while let entry = readdir(opened) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func text(_ path: String) -> String? {
        guard let bytes = try? ProcFile.bytes(path, atMost: 256) else { return nil }
        return String(decoding: bytes.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    }

    /// Opens the memory; its length is that of the region.
    func openMemory() throws(BrokerError) -> (descriptor: CInt, byteCount: UInt64) {
        if let enable { try write("1", to: enable) }
        do throws(Errno) {
            // Not blocking: the path may name a pipe.
            let file = OwnedDescriptor(
                adopting: try tryingSystemCall { open(memory, O_RDWR | O_CLOEXEC | O_NONBLOCK) })
            let raw = file.raw
            var status = stat()
            try tryingSystemCall { fstat(raw, &status) }
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size >= Self.minimumByteCount else {
                throw .invalidArgument
            }
            return (file.release(), UInt64(status.st_size))
        } catch {
            let reason = error == .invalidArgument ? "it must be a regular file of 1 MiB or more" : "\(error)"
            throw BrokerError("the memory shared with the host, \(memory), cannot be used: \(reason)")
        }
    }

    private static let minimumByteCount = 1 << 20

    private func write(_ text: String, to path: String) throws(BrokerError) {
        do throws(Errno) {
            let file = OwnedDescriptor(adopting: try tryingSystemCall { open(path, O_WRONLY | O_CLOEXEC) })
            let raw = file.raw
            try tryingSystemCall { Glibc.write(raw, text, text.utf8.count) }
        } catch {
            throw BrokerError("the PCI device of the memory shared with the host cannot be enabled: \(path): \(error)")
        }
    }

    /// Opens the stream, non-blocking.
    func openChannel() throws(Errno) -> OwnedDescriptor {
        if FileIdentity(channel)?.isSocket == true { return try StreamSocket.connect(to: channel) }
        return OwnedDescriptor(
            adopting: try tryingSystemCall { open(channel, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) })
    }
}

/// Why a broker could not be started.
public struct BrokerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, and what is allowed.
    public let description: String
    /// Another service uses the socket; a start at another path can succeed.
    public let isTaken: Bool

    /// Creates an error from the text that the user reads.
    public init(_ description: String, isTaken: Bool = false) {
        self.description = description
        self.isTaken = isTaken
    }
}
