public import LinuxSystem
import SystemPackage

/// Finds and connects telemetry sockets of all users for a process that may not: it has the capability for it, and does
/// nothing else. It never reads a byte from a telemetry socket.
///
/// It connects to no path but `RUN_DIRECTORY/PREFIX/dpdk_telemetry.v2[:N]` below its own roots, and follows no symbolic link
/// there.
public struct ConnectorService: ~Copyable {
    private let socket: OwnedDescriptor
    private var tree: RunDirectoryTree

    /// - Parameters:
    ///   - socket: connected, with message boundaries; its other end is a ``SourceConnector``.
    ///   - roots: directories that may hold `dpdk`, or `DIRECTORY/*` for all directories in one.
    public init(_ socket: consuming OwnedDescriptor, roots: [String]) {
        self.socket = socket
        tree = RunDirectoryTree(roots: roots)
    }

    /// Answers requests until the other end closes, or sends what is no request.
    public mutating func run() {
        var buffer = [UInt8](repeating: 0, count: ConnectorRequest.maximumLength)
        let raw = socket.raw
        while true {
            let result = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: raw) }
            guard case .success(let length) = result, (1...buffer.count).contains(length),
                let request = ConnectorRequest(buffer[..<length])
            else { return }
            switch request {
            case .search:
                var isOpen = true
                tree.search { entry in isOpen = isOpen && Self.send(entry.bytes, on: raw) }
                guard isOpen, Self.send(ConnectorEntry.end.bytes, on: raw) else { return }
            case .connect(let path):
                guard answer(path) else { return }
            }
        }
    }

    private func answer(_ path: String) -> Bool {
        do throws(Errno) {
            let connected = try tree.connect(to: path)
            return Self.send(ConnectorAnswer(errno: 0).bytes, [connected.raw], on: socket.raw)
        } catch {
            return Self.send(ConnectorAnswer(errno: error.rawValue).bytes, on: socket.raw)
        }
    }

    private static func send(_ bytes: [UInt8], _ descriptors: [CInt] = [], on socket: CInt) -> Bool {
        bytes.withUnsafeBytes { bytes in
            (try? SequencedPacketSocket.send(bytes, descriptors: descriptors, on: socket)) != nil
        }
    }
}
