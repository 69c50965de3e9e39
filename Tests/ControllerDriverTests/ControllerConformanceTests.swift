import Conformance
import ControllerDriver
import DMADev
import TestSupport
import Testing

/// A controller in a process of its own, and what this process's devices need of it.
final class ControllerHost: Sendable {
    let directory: TemporaryDirectory
    let path: String
    let program: RunningProgram

    /// How it keeps from allocating missing pages of the memory of others.
    let memoryMode: String

    /// - Parameters:
    ///   - group: the socket's.
    ///   - refused: system calls that it cannot use.
    ///   - prefix: a program with arguments that runs it.
    init(
        in directory: TemporaryDirectory? = nil, group: UInt32? = nil, without refused: String? = nil,
        under prefix: [String] = []
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        path = directory.file("control")
        let refuse = try refused.map { [try builtProduct("refuse-calls"), $0] } ?? []
        let command = try refuse + prefix + [builtProduct("controller-host"), path] + (group.map { ["\($0)"] } ?? [])
        program = try RunningProgram(command[0], Array(command.dropFirst()))
        let greeting = try program.nextLine().split(separator: " ")
        guard greeting.count == 2, greeting[0] == "ready" else { throw TestSupportError("a controller is not ready") }
        memoryMode = String(greeting[1])
    }

    /// What it says that it has: connections, rings, windows, groups.
    var counts: String {
        get throws {
            program.write("\n")
            return try program.nextLine()
        }
    }

    /// For cases of the kit that do not care which process serves them. It ends when this process does: its standard
    /// input does then.
    static let shared = Result { try ControllerHost() }
    /// One that has no userfaultfd, as in some containers.
    static let withoutUserfaultfd = Result { try ControllerHost(without: "userfaultfd") }
}

/// Buffers for cases, each mapped for the device of the case.
struct ControllerMemory: ConformanceMemory {
    static let memory = SharedMemory()
    let device: DMADevice

    func allocate(_ byteCount: Int) throws -> ConformanceBlock {
        let buffer = try Self.memory.allocate(byteCount: byteCount)
        let base = try #require(buffer.bytes.baseAddress)
        // A case that has closed its device uses it no more, and wants memory nevertheless.
        guard (try? device.info) != nil else {
            return ConformanceBlock(base: base, deviceAddress: 0) { withExtendedLifetime(buffer) {} }
        }
        let iova = try device.mapMemory(buffer.bytes)
        return ConformanceBlock(base: base, deviceAddress: iova) { [device] in
            // A case may have closed its device.
            try? device.unmapMemory(iova: iova)
            withExtendedLifetime(buffer) {}
        }
    }
}

@Suite struct ControllerConformanceTests {
    static let kit = kit { try ControllerHost.shared.get() }
    static let sealed = kit { try ControllerHost.withoutUserfaultfd.get() }

    private static func kit(_ host: @escaping @Sendable () throws -> ControllerHost) -> ConformanceKit {
        ConformanceKit(
            variants: .sharedEngine, makeMemory: { ControllerMemory(device: $0) },
            makeDevice: { made in
                var options = ControllerDevice.Options()
                options.memory = ControllerMemory.memory
                return try made.registry.add(
                    ControllerDevice(path: host().path, options: options), named: made.name)
            })
    }

    @Test("The controller's devices conform", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }

    @Test("They do without userfaultfd", arguments: ConformanceKit.runs.filter { $0.isFirst })
    func conformsWithoutUserfaultfd(run: ConformanceRun) throws {
        try Self.sealed.run(run)
    }

    @Test("The kit skips what needs more than a controller's devices offer, and nothing else")
    func skips() throws {
        for (name, reason) in try Self.kit.report() {
            switch reason {
            case .lacks(let missing):
                #expect(missing.isDisjoint(with: ControllerDevice.capabilities), "\(name): \(reason)")
            case .notMade(let missing):
                #expect(!missing.contains(.sharedEngine), "\(name): \(reason)")
            case .pageFaults: #expect(ThreadSanitizer.isActive, "\(name): \(reason)")
            }
        }
    }
}
