import Glibc
import LinuxSystem

/// A process that a test starts, talks to by its standard input and output, and kills.
public final class ChildProcess {
    /// The process's number.
    public let pid: pid_t
    private let channel: OwnedDescriptor
    private var isReaped = false

    /// Starts an executable of this package, which lies beside the running test. `nil` when it does not start.
    public init?(_ name: String, _ arguments: [String]) {
        var executable = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &executable, executable.count - 1)
        guard length > 0 else { return nil }
        let own = String(decoding: executable[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        let path = own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + name
        // A socket pair, because it is made close-on-exec in one step: no other child may keep an end of it open.
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        let childEnd = OwnedDescriptor(adopting: ends[1])
        channel = OwnedDescriptor(adopting: ends[0])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, childEnd.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, childEnd.raw, 1)
        var words: [UnsafeMutablePointer<CChar>?] = ([String(path)] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, String(path), &actions, nil, &words, environ) == 0 else { return nil }
        self.pid = pid
    }

    deinit { kill() }

    /// The next line of the process's output, without its end; `nil` when there is none any more.
    public func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while case .success(1) = systemCall({ read(channel.raw, &byte, 1) }) {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    /// Ends its standard input, and waits for the process to end by itself.
    public func finish() {
        shutdown(channel.raw, CInt(SHUT_WR))
        reap()
    }

    /// Kills the process, which cannot clean up then, and waits until it is gone.
    public func kill() {
        guard !isReaped else { return }
        Glibc.kill(pid, SIGKILL)
        reap()
    }

    private func reap() {
        guard !isReaped else { return }
        var status: CInt = 0
        _ = systemCall { waitpid(pid, &status, 0) }
        isReaped = true
    }
}
