internal import DMAEngine
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// Why a device is halted.
enum Halt: UInt32 {
    case byPlan = 1
    case byInnerDevice
}

/// The thread of a fault device, from a start to its stop.
///
/// It goes over the channels as long as there is something to do, spins for a moment, and then sleeps: until a doorbell,
/// until a delayed completion is due, or for a nap while the inner device is at work, which rings no bell here.
final class FaultEngine: @unchecked Sendable {
    // Words on cache lines of their own, all atomic; `channels` and `thread` are for control calls, one at a time.
    private let words: UnsafeMutablePointer<UInt32>
    private var channels: [FaultChannel] = []
    private var thread: SystemThread?

    /// Empty rounds before the engine sleeps.
    private static let spins = 200

    init() {
        words = .allocate(capacity: 48)
        words.initialize(repeating: 0, count: 48)
    }

    deinit {
        words.deallocate()
    }

    /// What wakes the thread.
    var bell: EngineBell { EngineBell(word: words) }

    /// Not 0: nothing works any more; who ended it is told by a ``Halt``.
    var halted: UnsafeMutablePointer<UInt32> { words + 16 }

    var halt: Halt? { Halt(rawValue: halted.atomic.pointee.load(ordering: .acquiring)) }

    /// Halts the device before it works.
    func haltByPlan() {
        halted.atomic.pointee.store(Halt.byPlan.rawValue, ordering: .relaxed)
    }

    private var stopping: UnsafeMutablePointer<UInt32> { words + 32 }

    /// Serves channels until ``stop()``.
    func run(_ channels: [FaultChannel]) throws(Errno) {
        self.channels = channels
        thread = try SystemThread.start(name: "dma-fault") { [self, channels] in
            loop(channels.map(\.consumer))
        }
    }

    /// Ends the thread; when this returns, it touches neither the channels nor the inner device.
    func stop() {
        stopping.atomic.pointee.store(1, ordering: .sequentiallyConsistent)
        bell.ring()
        thread?.join()
        thread = nil
        channels = []
    }

    private func loop(_ consumers: [UnsafeMutablePointer<FaultConsumer>]) {
        var empty = 0
        while stopping.atomic.pointee.load(ordering: .relaxed) == 0 {
            if serve(consumers) {
                empty = 0
            } else if empty < Self.spins {
                empty += 1
                relaxProcessor()
            } else {
                sleep(consumers)
            }
        }
    }

    private func serve(_ consumers: [UnsafeMutablePointer<FaultConsumer>]) -> Bool {
        var served = false
        for consumer in consumers where halted.atomic.pointee.load(ordering: .relaxed) == 0 {
            if consumer.pointee.step() { served = true }
        }
        return served
    }

    /// The order is what loses no wake-up: note the bell, raise the flags, look once more, sleep unless the bell has
    /// moved; see ``DMAEngine/RingProducer/submit()`` for the other half.
    private func sleep(_ consumers: [UnsafeMutablePointer<FaultConsumer>]) {
        let value = bell.value()
        let isHalted = halted.atomic.pointee.load(ordering: .relaxed) != 0
        for consumer in consumers { consumer.pointee.setNeedWakeup(true) }
        if stopping.atomic.pointee.load(ordering: .sequentiallyConsistent) == 0,
            isHalted || !consumers.contains(where: { $0.pointee.hasNews() })
        {
            let patience = isHalted ? nil : consumers.compactMap { $0.pointee.patience() }.min()
            bell.sleep(unlessChangedFrom: value, atMost: patience)
        }
        for consumer in consumers { consumer.pointee.setNeedWakeup(false) }
    }
}
