import Dispatch
import LinuxSystem
import Testing

@Suite struct LockedTests {
    @Test func aWaitForAHeldLockEndsAtItsTimeoutAndWithoutTheLock() throws {
        let locked = Locked(1)
        let (held, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let thread = try SystemThread.start(name: "holder") { [locked] in
            locked.withLock { _ in
                held.signal()
                release.wait()
            }
        }
        held.wait()
        let start = ContinuousClock.now
        #expect(locked.withLock(within: .milliseconds(20)) { $0 } == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(20))
        #expect(locked.withLock(within: .zero) { $0 } == nil)
        release.signal()
        #expect(locked.withLock(within: .seconds(60)) { $0 } == 1)
        thread.join()
        // It was unlocked again.
        #expect(locked.withLock(within: .zero) { $0 } == 1)
    }
}
