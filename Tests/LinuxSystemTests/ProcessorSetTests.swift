import LinuxSystem
import SystemPackage
import Testing

@Suite struct ProcessorSetTests {
    @Test(arguments: [
        ("0", [0], "0"), ("0-2,5", [0, 1, 2, 5], "0-2,5"), ("5,0-2", [0, 1, 2, 5], "0-2,5"),
        ("3,4,5,63,64", [3, 4, 5, 63, 64], "3-5,63-64"), ("8191", [8191], "8191"), ("1,1-1", [1], "1"),
    ])
    func whatTheKernelWritesIsRead(text: String, numbers: [Int], written: String) throws {
        let set = try #require(ProcessorSet(text))
        #expect(set.numbers == numbers)
        #expect(set.description == written)
    }

    @Test(arguments: [
        "", ",", "0,", "-1", "1-", "2-1", "a", "0 1", "+1", "8192", "0-99999999999999999999", "1-2-3", "٣",
    ])
    func anythingElseIsNot(text: String) {
        #expect(ProcessorSet(text) == nil)
    }

    @Test func aThreadRunsWhereItIsTold() throws {
        let allowed = try ProcessorSet.allowed()
        let first = try #require(allowed.numbers.first.flatMap { ProcessorSet("\($0)") })
        #expect(first.isSubset(of: allowed) && (allowed == first || !allowed.isSubset(of: first)))
        let seen = Locked<[ProcessorSet]>([])
        let thread = try SystemThread.start(name: "pinned") {
            let own = SystemThread.current
            try? own.run(on: first)
            // What is allowed does not depend on the mask of the thread that asks.
            let found = [try? own.processors, try? ProcessorSet.allowed(), try? own.processors]
            seen.withLock { $0 = found.compactMap(\.self) }
        }
        thread.join()
        #expect(seen.withLock { $0 } == [first, allowed, first])
    }

    @Test func noneThatIsAllowedIsAnError() throws {
        let absent = try #require(ProcessorSet("\(ProcessorSet.maximumNumber)"))
        #expect(throws: Errno.invalidArgument) { try SystemThread.current.run(on: absent) }
    }
}
