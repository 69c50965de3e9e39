import DMADev
import DMAEngine
import SoftwareDriver

/// The examples of the documentation, as they stand there. A test runs them and compares the texts.
///
/// Prints the name of each example that has run to its end.
@main
struct DocumentedExamples {
    static let examples: [(name: String, run: @Sendable () async throws -> Void)] = [
        ("life", life),
        ("data", data),
        ("lists", lists),
        ("attachment", attachment),
        ("fence", fence),
        ("statuses", statuses),
        ("silent", silent),
        ("operations", operations),
        ("autoFree", autoFree),
        ("deviceMemory", deviceMemory),
        ("mapping", mapping),
        ("externalMemory", externalMemory),
        ("priorities", priorities),
        ("counters", counters),
        ("telemetry", telemetry),
        ("specifications", specifications),
        ("failures", failures),
        ("controller", controller),
        ("client", client),
        ("wire", wire),
        ("metricsText", metricsText),
        ("collecting", collecting),
        ("lookingAtOnce", lookingAtOnce),
        ("servingMetrics", servingMetrics),
        ("tracing", tracing),
    ]

    static func main() async throws {
        for (name, run) in examples {
            try await run()
            print(name)
        }
    }
}

/// Memory of an example, zeroed.
final class Memory {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }

    var address: UInt64 { UInt64(UInt(bitPattern: bytes.baseAddress)) }
}

/// A started device with one channel, in a registry of its own.
func startedDevice(
    _ options: SoftwareDevice.Options = .init(), flags: ConfigurationFlags = [],
    _ channel: VirtualChannelConfiguration = VirtualChannelConfiguration(descriptorCount: 64)
) throws -> DMADevice {
    let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "example")
    try device.configure(DeviceConfiguration(virtualChannelCount: 1, flags: flags))
    try device.setUpVirtualChannel(0, configuration: channel)
    try device.start()
    return device
}

/// What an example says of itself is true.
func check(_ isTrue: Bool, _ what: String) throws {
    struct Untrue: Error { let what: String }
    if !isTrue { throw Untrue(what: what) }
}
