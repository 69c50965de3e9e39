import DMADev
import Dispatch
import GroupTestSupport
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

/// How events reach callbacks.
@Suite(.timeLimit(.minutes(30))) struct EventDeliveryTests {
    @Test("Callbacks hear what others do, each event once, in order, and by its kind")
    func kinds() throws {
        let two = try TwoDevices()
        let (updates, ends) = (Heard(), Heard())
        for device in [two.near, two.far] {
            try device.registerEventCallback(updates.callback, for: .update)
            try device.registerEventCallback(ends.callback, for: .destroy)
        }
        let group = try two.group()
        updates.wait()
        try two.far.leaveAccessGroup(group)
        updates.wait()
        try two.far.joinAccessGroup(group, domain: two.peer, token: two.token)
        updates.wait()
        two.groups.kill(process: 1)
        ends.wait()
        #expect(updates.all == ["0 joined 0", "0 left 0", "0 joined 0"])
        #expect(ends.all == ["1 destroyed 0"])
        let log = two.registry.groupEvents.last()
        #expect(log.map(\.event.kind) == [.destroyed, .joined, .left, .joined])
        #expect(log.map(\.number) == [4, 3, 2, 1])
        #expect(log.map(\.device) == [1, 0, 0, 0])
        #expect(log.last?.event.domain == two.peer)
        #expect(two.registry.groupEvents.last(1) == [log[0]])
    }

    @Test("A pair group's callback hears of its group alone, from the first event on")
    func pairCallbacks() throws {
        let two = try TwoDevices()
        let (first, second, far) = (Heard(), Heard(), Heard())
        let one = try two.near.createAccessPairGroup(domain: two.domain, token: two.token, callback: first.callback)
        let other = try two.near.createAccessPairGroup(domain: two.domain, token: two.token, callback: second.callback)
        try two.far.joinAccessPairGroup(one, domain: two.peer, token: two.token, callback: far.callback)
        first.wait()
        try two.far.joinAccessPairGroup(other, domain: two.peer, token: two.token)
        second.wait()
        two.groups.kill(process: 1)
        far.wait()
        #expect(first.all == ["0 joined \(one)"])
        #expect(second.all == ["0 joined \(other)"])
        #expect(far.all == ["1 destroyed \(one)"])
    }

    @Test("After a group is left its callback and its events are gone, also when its number comes back")
    func leaving() throws {
        let two = try TwoDevices()
        let (far, all) = (Heard(), Heard())
        let pair = try two.near.createAccessPairGroup(domain: two.domain, token: two.token)
        try two.far.joinAccessPairGroup(pair, domain: two.peer, token: two.token, callback: far.callback)
        try two.far.leaveAccessPairGroup(pair)
        try two.far.registerEventCallback(all.callback, for: .update)
        two.farDriver.receive(AccessGroupEvent(kind: .left, group: pair, handler: 9, domain: two.domain))
        all.wait()
        #expect(far.all == [])
    }

    @Test("A pair group's callback never hears of a later group of the same number")
    func laterGroups() throws {
        let two = try TwoDevices()
        let (old, new, all) = (Heard(), Heard(), Heard())
        // A second device of the creator's process, which shares its membership.
        let second = try two.registry.add(GroupDevice(two.groups, process: 1), named: "second")
        try second.registerEventCallback(all.callback, for: .destroy)
        let pair = try two.near.createAccessPairGroup(domain: two.domain, token: two.token)
        try second.joinAccessPairGroup(pair, domain: two.domain, token: two.token, callback: old.callback)
        refused(.notPermitted) { try second.destroyAccessPairGroup(pair) }
        try two.near.destroyAccessPairGroup(pair)
        all.wait()
        old.wait()
        #expect(old.all == ["2 destroyed \(pair)"] && second.view.accessGroups == [])

        // All numbers once, until this one comes back.
        for _ in 1..<8 {
            try two.near.destroyAccessGroup(try two.near.createAccessGroup(domain: two.domain, token: two.token))
        }
        #expect(try two.near.createAccessPairGroup(domain: two.domain, token: two.token) == pair)
        try second.joinAccessPairGroup(pair, domain: two.peer, token: two.token, callback: new.callback)
        two.groups.kill(process: 1)
        #expect(old.all.count == 1)
    }

    @Test("An event of an earlier group that is still queued does not reach the callback of the later one")
    func queuedEvents() throws {
        let two = try TwoDevices()
        let (blocked, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let (new, all) = (Heard(), Heard())
        let driver = GroupDevice(two.groups, process: 1)
        let second = try two.registry.add(driver, named: "second")
        try second.registerEventCallback(
            AccessGroupCallback { _, _ in
                blocked.signal()
                goOn.wait()
            }, for: .update)
        try second.registerEventCallback(all.callback, for: .destroy)
        // The delivery thread is busy while one group ends and the next one of its number begins.
        driver.receive(AccessGroupEvent(kind: .joined, group: 7, handler: 9, domain: two.peer))
        blocked.wait()
        let first = try two.near.createAccessGroup(domain: two.domain, token: two.token)
        try second.joinAccessGroup(first, domain: two.domain, token: two.token)
        try two.near.destroyAccessGroup(first)
        for _ in 1..<8 {
            try two.near.destroyAccessGroup(try two.near.createAccessGroup(domain: two.domain, token: two.token))
        }
        #expect(try two.near.createAccessPairGroup(domain: two.domain, token: two.token) == first)
        try second.joinAccessPairGroup(first, domain: two.domain, token: two.token, callback: new.callback)
        goOn.signal()
        all.wait()
        try two.near.destroyAccessPairGroup(first)
        all.wait()
        new.wait()
        #expect(new.all == ["2 destroyed \(first)"])
    }

    @Test("The same registration twice is EEXIST, and exactly the matching one goes")
    func registrations() throws {
        let two = try TwoDevices()
        let heard = Heard()
        func callback(_ function: UInt, _ argument: UInt) -> AccessGroupCallback {
            AccessGroupCallback(function: function, argument: argument) { heard.note($0, $1) }
        }
        for event: AccessTableEvent in [.update, .destroy] {
            for (function, argument) in [(1, 1), (1, 2), (2, 1)] as [(UInt, UInt)] {
                try two.near.registerEventCallback(callback(function, argument), for: event)
                refused(.fileExists) {
                    try two.near.registerEventCallback(callback(function, argument), for: event)
                }
            }
        }
        let own = heard.callback
        try two.near.registerEventCallback(own, for: .update)
        refused(.fileExists) { try two.near.registerEventCallback(own, for: .update) }
        try two.near.unregisterEventCallback(callback(1, 2), for: .update)
        refused(.noSuchFileOrDirectory) {
            try two.near.unregisterEventCallback(callback(1, 2), for: .update)
        }
        refused(.noSuchFileOrDirectory) {
            try two.near.unregisterEventCallback(heard.callback, for: .update)
        }
        for value: Int32 in [-1, 2] {
            refused(.invalidArgument) {
                try two.near.registerEventCallback(own, for: AccessTableEvent(rawValue: value))
            }
            refused(.invalidArgument) {
                try two.near.unregisterEventCallback(own, for: AccessTableEvent(rawValue: value))
            }
        }
        _ = try two.group()
        heard.wait(for: 3)
        #expect(heard.all == Array(repeating: "0 joined 0", count: 3))
    }

    @Test("A callback runs outside of the caller's calls, and may call anything, also unregister itself")
    func callingBack() throws {
        let two = try TwoDevices()
        let done = DispatchSemaphore(value: 0)
        let heard = Heard()
        let near = two.near
        let own = Locked<AccessGroupCallback?>(nil)
        let calls = Atomic(0)
        let callback = AccessGroupCallback { device, event in
            calls.add(1, ordering: .relaxed)
            #expect(throws: Never.self) {
                #expect(try near.accessGroupSize(event.group) == 2)
                let pair = try near.createAccessPairGroup(
                    domain: .random(), token: .random(), callback: heard.callback)
                try near.destroyAccessPairGroup(pair)
                try near.unregisterEventCallback(try #require(own.withLock { $0 }), for: .update)
            }
            done.signal()
        }
        own.withLock { $0 = callback }
        try two.near.registerEventCallback(callback, for: .update)
        let group = try two.group()
        done.wait()
        try two.near.registerEventCallback(heard.callback, for: .update)
        try two.far.leaveAccessGroup(group)
        heard.wait()
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test("When unregister returns, the callback is not running, and never runs again")
    func unregisterWaits() throws {
        for _ in 0..<50 {
            let two = try TwoDevices()
            let isGone = Atomic(false)
            let lateCalls = Atomic(0)
            let started = DispatchSemaphore(value: 0)
            let callback = AccessGroupCallback { _, _ in
                started.signal()
                // Long enough to be overtaken by an unregister that does not wait.
                for _ in 0..<2000 { relaxProcessor() }
                if isGone.load(ordering: .sequentiallyConsistent) { lateCalls.add(1, ordering: .relaxed) }
            }
            try two.near.registerEventCallback(callback, for: .update)
            for number in 0..<10 as Range<UInt16> {
                two.nearDriver.receive(
                    AccessGroupEvent(kind: .joined, group: 0, handler: number, domain: two.peer))
            }
            started.wait()
            try two.near.unregisterEventCallback(callback, for: .update)
            isGone.store(true, ordering: .sequentiallyConsistent)
            try two.near.close()
            #expect(lateCalls.load(ordering: .relaxed) == 0)
        }
    }

    @Test("A device may be closed from its own callback, and then calls none any more")
    func closingFromWithin() throws {
        let two = try TwoDevices()
        let (near, done) = (two.near, DispatchSemaphore(value: 0))
        let calls = Atomic(0)
        let callback = AccessGroupCallback { _, _ in
            calls.add(1, ordering: .relaxed)
            #expect(throws: Never.self) { try near.close() }
            done.signal()
        }
        try two.near.registerEventCallback(callback, for: .update)
        for _ in 0..<3 {
            two.nearDriver.receive(AccessGroupEvent(kind: .joined, group: 0, handler: 1, domain: two.peer))
        }
        done.wait()
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(!two.registry.isValid(0))
    }

    @Test("Events from many threads are all delivered, one at a time")
    func manyThreads() throws {
        let two = try TwoDevices()
        let inside = Atomic(0)
        let overlaps = Atomic(0)
        let heard = Heard()
        let callback = AccessGroupCallback { device, event in
            if inside.add(1, ordering: .sequentiallyConsistent).oldValue != 0 { overlaps.add(1, ordering: .relaxed) }
            heard.note(device, event)
            inside.subtract(1, ordering: .sequentiallyConsistent)
        }
        try two.near.registerEventCallback(callback, for: .update)
        let (driver, peer) = (two.nearDriver, two.peer)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<100 as Range<UInt16> {
                driver.receive(AccessGroupEvent(kind: .left, group: Int16(thread), handler: number, domain: peer))
            }
        }
        heard.wait(for: 400)
        #expect(heard.all.count == 400)
        #expect(overlaps.load(ordering: .relaxed) == 0)
    }
}
