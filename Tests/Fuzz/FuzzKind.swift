import Glibc

/// One kind of input that comes from outside, and the code that takes it.
@MainActor
struct FuzzKind {
    /// The name of its folder in `Corpora`.
    let name: String
    /// Takes one input, of any bytes. Ends the process if the code under test breaks its contract.
    let take: @MainActor (UnsafeRawBufferPointer) -> Void

    /// A new kind is a file in `Kinds`, a row here, and a folder of seeds in `Corpora`.
    static let table: [FuzzKind] = [
        .check, .control, .counters, .device, .faults, .frames, .http, .messages, .ring, .source, .telemetry,
    ]

    /// A directory for sockets, below the one that scripts/fuzz removes.
    static let directory: String = {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/XXXXXX".utf8CString)
        require(mkdtemp(&template) != nil, "cannot make a directory in \(parent)")
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// The kind that the environment names.
    static let chosen: FuzzKind = {
        let name = getenv("DMASCOPE_FUZZ_KIND").map { String(cString: $0) } ?? ""
        guard let kind = table.first(where: { $0.name == name }) else {
            fail("set DMASCOPE_FUZZ_KIND to one of \(table.map(\.name).joined(separator: ", "))")
        }
        // As in every program of the package: a closed connection is an error of the call.
        signal(SIGPIPE, SIG_IGN)
        return kind
    }()
}

/// Called by libFuzzer, on the main thread.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // As a number, which may pass to the actor: the bytes live until the return.
    let address = UInt(bitPattern: bytes)
    MainActor.assumeIsolated {
        FuzzKind.chosen.take(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
    }
    return 0
}

/// Called by LeakSanitizer: what is no leak. A reference in an enumeration with several payloads can have bits of the case
/// in its upper bits: NIO's addresses have, and no pointer to their memory is found.
@c(__lsan_default_suppressions)
public func leakSuppressions() -> UnsafePointer<CChar> {
    let text: StaticString = "leak:NIOCore13SocketAddress\n"
    return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// Ends the process: libFuzzer keeps the input.
func fail(_ message: String) -> Never {
    fatalError(message)
}

/// Ends the process unless a contract is kept.
func require(_ isKept: Bool, _ message: @autoclosure () -> String) {
    if !isKept { fail(message()) }
}

/// The result of something that cannot fail on a working machine: the environment of a kind.
func prepared<Result: ~Copyable>(_ body: () throws -> Result) -> Result {
    do { return try body() } catch { fail("\(error)") }
}

/// Whether bytes contain others.
func contains(_ bytes: UnsafeRawBufferPointer, _ part: [UInt8]) -> Bool {
    guard let base = bytes.baseAddress, let first = part.first else { return part.isEmpty }
    var offset = 0
    while offset + part.count <= bytes.count,
        let found = memchr(base + offset, CInt(first), bytes.count - part.count + 1 - offset)
    {
        if memcmp(found, part, part.count) == 0 { return true }
        offset = UnsafeRawPointer(found) - base + 1
    }
    return false
}
