import LinuxSystem
import Logging
import ServiceLifecycle
import Testing

@testable import dmascope

/// How the parts of `dmascope serve` end.
@Suite struct ServedPartsTests {
    private struct Broken: Error, Equatable {}

    /// Fails when it is told to.
    private struct FailingPart: Service {
        let orders: AsyncStream<Void>

        func run() async throws {
            for await _ in orders.cancelOnGracefulShutdown() { throw Broken() }
        }
    }

    /// Keeps who has ended.
    private final class Ends: Sendable {
        let names = Locked<[String]>([])

        func part(_ name: String) -> (name: String, service: any Service) {
            (name, WorkingPart { self.names.withLock { $0.append(name) } })
        }
    }

    private let ends = Ends()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func theyEndInReverseOrder() async throws {
        let group = ServiceGroup(parts: ["a", "b", "c"].map(ends.part), logger: logger)
        await group.triggerGracefulShutdown()
        try await group.run()
        #expect(ends.names.withLock { $0 } == ["c", "b", "a"])
    }

    @Test func oneThatFailsEndsTheOthersAndItsErrorIsTheGroups() async throws {
        let (orders, order) = AsyncStream.makeStream(of: Void.self)
        let group = ServiceGroup(
            parts: [ends.part("a"), ends.part("b"), ("failing", FailingPart(orders: orders)), ends.part("c")],
            logger: logger)
        order.yield()
        await #expect(throws: Broken()) { try await group.run() }
        #expect(ends.names.withLock { $0 } == ["c", "b", "a"])
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (1_709_210_096_000_789_999, "2024-02-29T12:34:56.000789Z"),
        ] as [(UInt64, String)]) func timesAreThoseOfRFC3339(nanoseconds: UInt64, text: String)
    {
        #expect(JSONLogHandler.time(nanoseconds: nanoseconds) == text)
    }
}
