import Foundation

/// Two connected descriptors that children do not inherit. They are sockets: made close-on-exec in one step, and a write
/// after the reader has gone is an error, not a signal.
struct Pipe {
    let readEnd: Int32
    let writeEnd: Int32

    static func connected() throws -> Pipe {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw TestSupportError("socketpair: \(String(cString: strerror(errno)))")
        }
        return Pipe(readEnd: ends[0], writeEnd: ends[1])
    }

    /// What is written goes nowhere; there is no read end.
    static func null() throws -> Pipe {
        let descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestSupportError("/dev/null: \(String(cString: strerror(errno)))") }
        return Pipe(readEnd: -1, writeEnd: descriptor)
    }
}

/// What a child has as its descriptors 0, 1, 2.
enum StandardStreams {
    case descriptors([Int32])
    /// A terminal, by the path of its device: the child leads a session, whose terminal it is.
    case terminal(String)
}

/// Starts a child with these streams, and no signal blocked. Other descriptors it has only if a test opened them without
/// close-on-exec.
func spawn(
    _ path: String, _ arguments: [String], environment: [String: String], streams: StandardStreams
) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    switch streams {
    case .descriptors(let descriptors):
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
    case .terminal(let device):
        // The session comes first, so that opening the device makes it the session's terminal.
        flags |= 0x80  // POSIX_SPAWN_SETSID, which Swift does not import
        posix_spawn_file_actions_addopen(&actions, 0, device, O_RDWR, 0)
        for number in 1...2 { posix_spawn_file_actions_adddup2(&actions, 0, Int32(number)) }
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    let argumentVector = ([path] + arguments).map { strdup($0) } + [nil]
    let environmentVector = variables.map { strdup($0) } + [nil]
    defer { (argumentVector + environmentVector).forEach { free($0) } }

    var processID: pid_t = 0
    let failure = posix_spawnp(&processID, path, &actions, &attributes, argumentVector, environmentVector)
    guard failure == 0 else { throw TestSupportError("\(path): \(String(cString: strerror(failure)))") }
    return processID
}
