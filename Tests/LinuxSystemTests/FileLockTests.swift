import Glibc
import LinuxSystem
import SystemPackage
import Synchronization
import TestSupport
import Testing

@Suite struct FileLockTests {
    @Test func onlyOneHoldsItAndTheFileGoesWithIt() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("lock")
        do {
            let lock = try FileLock(path: path)
            #expect(try directory.contents == ["lock"])
            #expect(throws: Errno.wouldBlock) { _ = try FileLock(path: path, timeout: .zero) }
            _ = consume lock
        }
        #expect(try directory.contents == [])
        _ = try FileLock(path: path, timeout: .zero)
    }

    @Test func aFileThatADeadProcessLeftIsTakenOver() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("lock")
        close(open(path, O_CREAT | O_RDWR, 0o600))
        _ = try FileLock(path: path, timeout: .zero)
        #expect(try directory.contents == [])
    }

    @Test func aSymbolicLinkIsNotFollowed() throws {
        let directory = try TemporaryDirectory()
        symlink("/etc/passwd", directory.file("lock"))
        #expect(throws: Errno.self) { _ = try FileLock(path: directory.file("lock"), timeout: .zero) }
    }

    @Test func manyThreadsAreNeverInsideTogether() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("lock")
        let counters = Counters()
        let threads = try (0..<4).map { _ in
            try SystemThread.start(name: "locker") {
                for _ in 0..<50 {
                    guard let lock = try? FileLock(path: path, timeout: .seconds(20)) else { return }
                    counters.enter()
                    _ = consume lock
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counters.passes == 200)
        #expect(counters.collisions == 0)
    }
}

/// Notices when two are inside at once.
private final class Counters: Sendable {
    private let inside = Atomic<Int>(0)
    private let collided = Atomic<Int>(0)
    private let passed = Atomic<Int>(0)

    var collisions: Int { collided.load(ordering: .relaxed) }
    var passes: Int { passed.load(ordering: .relaxed) }

    func enter() {
        if inside.add(1, ordering: .sequentiallyConsistent).oldValue != 0 { collided.add(1, ordering: .relaxed) }
        sched_yield()
        inside.subtract(1, ordering: .sequentiallyConsistent)
        passed.add(1, ordering: .relaxed)
    }
}

@Suite struct PrivateDirectoryTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("d") }

    init() throws { directory = try TemporaryDirectory() }

    @Test func aNewDirectoryIsPrivate() throws {
        #expect(try PrivateDirectory.prepare(path))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(try !PrivateDirectory.prepare(path))
    }

    @Test(arguments: [0o770, 0o707, 0o777, 0o722])
    func aDirectoryThatOthersMayWriteToIsRefused(_ mode: Int) throws {
        mkdir(path, 0o700)
        chmod(path, mode_t(mode))
        let refusal = #expect(throws: PrivateDirectory.Refusal.self) { try PrivateDirectory.prepare(path) }
        #expect(refusal?.errno == .notPermitted)
        #expect(refusal?.reason.contains(String(mode, radix: 8)) == true)
    }

    @Test func aLinkAndAFileAreRefused() throws {
        symlink(directory.path, path)
        #expect(throws: PrivateDirectory.Refusal.self) { try PrivateDirectory.prepare(path) }
        unlink(path)
        close(open(path, O_CREAT | O_RDWR, 0o600))
        #expect(throws: PrivateDirectory.Refusal.self) { try PrivateDirectory.prepare(path) }
    }

    @Test func aMissingParentIsSaid() {
        let refusal = #expect(throws: PrivateDirectory.Refusal.self) { try PrivateDirectory.prepare(path + "/e") }
        #expect(refusal?.errno == .noSuchFileOrDirectory)
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser can give a directory away"))
    func aDirectoryOfSomebodyElseIsRefused() throws {
        mkdir(path, 0o700)
        chown(path, 12345, 12345)
        let refusal = #expect(throws: PrivateDirectory.Refusal.self) {
            try PrivateDirectory.prepare(path, allowsSuperuser: true)
        }
        #expect(refusal?.reason.contains("12345") == true)
    }
}
