import Foundation
import LinuxSystem
import Synchronization
import Testing

@Suite struct SystemThreadTests {
    @Test func itHasItsNameAndOnlyFaultsInterruptIt() throws {
        let seen = Mutex<(name: String, blocked: [CInt])>(("", []))
        let thread = try SystemThread.start(name: "a-name-that-is-too-long") {
            let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGSEGV, SIGBUS].filter { sigismember(&mask, $0) == 1 }
            seen.withLock { $0 = (name ?? "", blocked) }
        }
        thread.join()
        #expect(seen.withLock { $0.name } == "a-name-that-is-\n")
        #expect(seen.withLock { $0.blocked } == [SIGINT, SIGTERM, SIGHUP, SIGPIPE])
    }

    @Test func itKnowsItself() throws {
        let answers = Answers()
        let thread = try SystemThread.start(name: "itself") {
            while answers.thread.withLock({ $0 }) == nil { sched_yield() }
            answers.isCurrent.store(answers.thread.withLock { $0?.isCurrent == true }, ordering: .relaxed)
        }
        #expect(!thread.isCurrent)
        answers.thread.withLock { $0 = thread }
        thread.join()
        let itself = answers.isCurrent.load(ordering: .relaxed)
        #expect(itself)
    }

    @Test func aDetachedThreadEndsByItself() throws {
        let end = try Ends()
        let thread = try SystemThread.start(name: "detached") { end.event.signal() }
        thread.detach()
        var entry = pollfd(fd: end.event.raw, events: Int16(POLLIN), revents: 0)
        #expect(try tryingSystemCall { poll(&entry, 1, 20_000) } == 1)
    }
}

private final class Answers: Sendable {
    let thread = Mutex<SystemThread?>(nil)
    let isCurrent = Atomic(false)
}

private final class Ends: Sendable {
    let event: EventDescriptor

    init() throws { event = try EventDescriptor() }
}
