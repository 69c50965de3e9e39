import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What the sockets of all services have in common; each service's tests look at its own choices.
@Suite struct SocketFileTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("s") }
    private var layout: SocketFile.Layout { .init(lockPath: directory.file("s.lock")) }

    init() throws { directory = try TemporaryDirectory() }

    private func failure(_ body: () throws -> Void) -> SocketFile.Failure? {
        do { try body() } catch { return error as? SocketFile.Failure }
        return nil
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func theModeIsTheWantedOneWhateverTheUmask() throws {
        var layout = layout
        layout.mode = [.ownerReadWrite, .groupReadWrite]
        let socket = try ListeningSocket(at: [path], layout)
        #expect(mode(path) == 0o660)
        _ = consume socket
        #expect(try directory.contents == [])
    }

    @Test func aServerIsNotReplacedAndADeadSocketIs() throws {
        let origin = directory.file("bound")
        let listening = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(listening, to: origin, mode: [.ownerReadWrite])
        try SequencedPacketSocket.listen(listening)
        do {
            let dead = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(dead, to: path, mode: [.ownerReadWrite])
        }
        #expect(try SocketFile.hasDeadSocket(path))
        let file = try SocketFile(at: path, layout, movedFrom: origin)
        #expect(file.replacedDeadSocket && SequencedPacketSocket.probe(path) == nil)
        #expect(failure { _ = try ListeningSocket(at: [path], layout) }?.kind == .inUse)
        #expect(failure { _ = try SocketFile(at: path, layout, movedFrom: origin) }?.kind == .inUse)
        #expect(SequencedPacketSocket.probe(path) == nil)
        file.remove()
        #expect(try directory.contents == [])
    }

    @Test func whatSomebodyElseHasMadeOfItIsNotRemoved() throws {
        let socket = try ListeningSocket(at: [path], layout)
        unlink(path)
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        _ = consume socket
        #expect(try directory.contents == ["s"])
        #expect(failure { _ = try ListeningSocket(at: [path], layout) }?.kind == .notReplaceable)
        #expect(try directory.contents == ["s"])
    }

    @Test func directoriesAreMadeAsWantedAndAFailureLeavesNone() throws {
        let inner = directory.file("outer/inner")
        let layout = SocketFile.Layout(
            directories: [.init(directory.file("outer"), mode: 0o711), .init(inner)], lockPath: inner + "/lock")
        do {
            let socket = try ListeningSocket(at: [inner + "/s"], layout)
            #expect(mode(directory.file("outer")) == 0o711 && mode(inner) == 0o700)
            _ = consume socket
        }
        #expect(try directory.contents == [])
        #expect(failure { _ = try ListeningSocket(at: [inner + "/none/s"], layout) }?.kind == .system)
        #expect(try directory.contents == [])
    }

    @Test func oneOfManyStartersGetsTheName() throws {
        let (path, layout, starters) = (path, layout, Starters())
        let threads = try (0..<4).map { _ in
            try SystemThread.start(name: "starter") {
                for _ in 0..<100 { starters.start(path, layout) }
            }
        }
        threads.forEach { $0.join() }
        #expect(starters.failures.withLock { $0 } == [])
        #expect(starters.successes.load(ordering: .relaxed) > 0)
        #expect(try directory.contents == [])
    }
}

/// Notices when two have the socket at once.
private final class Starters: Sendable {
    let failures = Locked<[String]>([])
    let successes = Atomic<Int>(0)
    private let holders = Atomic<Int>(0)

    func start(_ path: String, _ layout: SocketFile.Layout) {
        do throws(SocketFile.Failure) {
            let socket = try ListeningSocket(at: [path], layout)
            if holders.add(1, ordering: .relaxed).newValue != 1 { failures.withLock { $0.append("two have it") } }
            successes.add(1, ordering: .relaxed)
            sched_yield()
            holders.subtract(1, ordering: .relaxed)
            _ = consume socket
        } catch {
            if error.kind != .inUse { failures.withLock { $0.append("\(error)") } }
        }
    }
}
