internal import DMADev
internal import DMAEngine
internal import SoftwareDriver
internal import SystemPackage

extension DriverDescription {
    /// The software driver.
    static let software = DriverDescription(
        name: SoftwareDevice.driverName, summary: "a device in software, whose engine is a thread of this process",
        keys: [
            .engine, .processors, .idling, .vchans, .maximumDescriptors, .minimumDescriptors, .maximumEntries,
            .capabilities, .deviceMemory,
        ]
    ) { (specification, engines) throws(DMAError) in
        var options = SoftwareDevice.Options()
        options.maximumVirtualChannelCount = specification.number(.vchans) ?? options.maximumVirtualChannelCount
        options.maximumDescriptorCount = specification.number(.maximumDescriptors) ?? options.maximumDescriptorCount
        options.minimumDescriptorCount =
            specification.number(.minimumDescriptors)
            ?? min(options.minimumDescriptorCount, options.maximumDescriptorCount)
        options.maximumEntryCount = specification.number(.maximumEntries) ?? options.maximumEntryCount
        options.capabilities = specification.capabilities(.capabilities) ?? options.capabilities
        guard options.minimumDescriptorCount <= options.maximumDescriptorCount else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "min-desc=\(options.minimumDescriptorCount) is more than max-desc=\(options.maximumDescriptorCount)")
        }
        if let size = specification.number(.deviceMemory) {
            guard let memory = DeviceMemory(byteCount: Int(size) << 20) else {
                throw DMAError(.exhausted, .noMemory, "device-memory=\(size): there is not enough memory")
            }
            options.deviceMemory[PCIePort()] = memory
        }
        let (engine, isShared) = try engines.engine(for: specification)
        return try SoftwareDevice(engine: engine, options: options, sharesEngine: isShared)
    }
}

extension DriverKey {
    static let engine = DriverKey(
        name: "engine", summary: "the engine's name: devices with the same engine name share its thread", kind: .name,
        standard: "a separate engine")
    static let processors = DriverKey(
        name: "cpus", summary: "the processors that the engine's thread may run on", kind: .processors,
        standard: "all that the process's cgroup allows")
    static let idling = DriverKey(
        name: "idle",
        summary: "what the engine does without work: sleep until a doorbell; also wake before one that comes at "
            + "regular intervals; never sleep",
        kind: .text(allowed: EngineIdling.allCases.map(\.rawValue).joined(separator: ", ")) {
            EngineIdling(rawValue: $0) != nil
        },
        standard: EngineIdling.sleep.rawValue)
    static let vchans = DriverKey(
        name: "vchans", summary: "maximum virtual channels", kind: .number(1...1024),
        standard: "\(usual.maximumVirtualChannelCount)")
    static let maximumDescriptors = DriverKey(
        name: "max-desc", summary: "maximum descriptors per ring", kind: .number(1...32768),
        standard: "\(usual.maximumDescriptorCount)")
    static let minimumDescriptors = DriverKey(
        name: "min-desc", summary: "minimum descriptors per ring", kind: .number(1...32768),
        standard: "\(usual.minimumDescriptorCount), or max-desc if that is less")
    static let maximumEntries = DriverKey(
        name: "max-sges", summary: "maximum entries per scatter-gather list", kind: .number(1...64),
        standard: "\(usual.maximumEntryCount)")
    static let capabilities = DriverKey(
        name: "capabilities", summary: "the device's capabilities", kind: .capabilities(SoftwareDevice.capabilities),
        standard: "all of these")

    static let deviceMemory = DriverKey(
        name: "device-memory",
        summary: "MiB of memory of a device behind the PCIe port whose fields are all 0, at addresses from 0 on",
        kind: .number(1...65535), standard: "none: only mem2mem channels")

    private static let usual = SoftwareDevice.Options()
}
