internal import CDMADev
internal import CDPDKObserver
internal import DMADev
internal import DMATelemetry
internal import Glibc
internal import LinuxSystem
internal import SystemPackage
internal import TelemetryServer

/// The observed devices of this process. They have DPDK's numbers and names in the registry of the process.
///
/// The stub makes one call at a time. None of them may end the process: what fails is said, and the application goes on
/// without it.
final class Observer: Sendable {
    static let shared = Observer()

    private let registry = DeviceRegistry.shared
    private let state = Locked(State())

    private struct State {
        var entries: [Int16: Entry] = [:]
        /// Tables of closed devices: a faulty application may still use them.
        var closed: [Entry] = []
        var server: TelemetryServer?
        var hasTriedServer = false
    }

    private struct Entry {
        var device: DMADevice
        let driver: ObservedDriver
        /// A copy of the device's table, which stays as it is when the device stops. Never freed.
        var path: UInt
    }

    /// - Returns: `nil`, or why the device is not observed.
    func attach(_ observed: UnsafePointer<dmascope_dpdk_device>) -> UnsafePointer<CChar>? {
        let isAttached = observer_is_attached(observed)
        if let reason = observer_prepare(observed) { return reason }
        do throws(DMAError) {
            let entry = try state.withLock { state throws(DMAError) in
                try makeEntry(for: observed.pointee, isAttached, &state)
            }
            // The address is that of the memory below, which is never freed.
            guard let path = UnsafeMutablePointer<dmadev_data_path>(bitPattern: entry.path) else { return nil }
            observer_attach(observed, path)
        } catch {
            return UnsafePointer(strdup(error.message))
        }
        observer_register_commands(observed)
        startServer(for: String(cString: observed.pointee.directory))
        return nil
    }

    private func makeEntry(
        for observed: dmascope_dpdk_device, _ isAttached: Bool, _ state: inout State
    ) throws(DMAError) -> Entry {
        let name = String(cString: observed.name)
        // A start of a started device changes nothing.
        if isAttached, let known = state.entries[observed.id], known.device.name == name { return known }
        if let old = state.entries[observed.id], old.device.name != name { try close(observed.id, &state) }
        var entry: Entry
        if let known = state.entries[observed.id] {
            entry = known
        } else {
            let driver = ObservedDriver(observed)
            let device = try registry.add(driver, named: name, id: observed.id)
            let path = UnsafeMutablePointer<dmadev_data_path>.allocate(capacity: 1)
            entry = Entry(device: device, driver: driver, path: UInt(bitPattern: path))
        }
        try start(entry.device, as: observed)
        let table = entry.device.callLayerArgument.assumingMemoryBound(to: dmadev_data_path.self)
        UnsafeMutablePointer<dmadev_data_path>(bitPattern: entry.path)?.initialize(to: table.pointee)
        state.entries[observed.id] = entry
        entry.driver.beginComparison()
        return entry
    }

    private func start(_ device: DMADevice, as observed: dmascope_dpdk_device) throws(DMAError) {
        try device.stop()
        try device.configure(
            DeviceConfiguration(
                virtualChannelCount: observed.nb_vchans, flags: ConfigurationFlags(rawValue: observed.flags)))
        for vchan in 0..<observed.nb_vchans {
            let known = observed.vchans?[Int(vchan)]
            let direction = TransferDirection(rawValue: Int32(truncatingIfNeeded: known?.direction ?? 0))
            // What the ports are is not known, but a side that is a device has one.
            try device.setUpVirtualChannel(
                vchan,
                configuration: VirtualChannelConfiguration(
                    direction: direction, descriptorCount: known?.nb_desc ?? observed.max_desc,
                    sourcePort: [.dev2mem, .dev2dev].contains(direction) ? .pcie(PCIePort()) : .none,
                    destinationPort: [.mem2dev, .dev2dev].contains(direction) ? .pcie(PCIePort()) : .none))
        }
        try device.start()
    }

    private func close(_ id: Int16, _ state: inout State) throws(DMAError) {
        guard let entry = state.entries.removeValue(forKey: id) else { return }
        entry.driver.endComparison()
        state.closed.append(entry)
        try entry.device.stop()
        try entry.device.close()
    }

    func detach(_ id: Int16) {
        observer_detach(id)
        let entry = state.withLock { $0.entries[id] }
        entry?.driver.endComparison()
        try? entry?.device.stop()
    }

    func closed(_ id: Int16) {
        state.withLock { try? close(id, &$0) }
    }

    func reset(_ id: Int16, _ vchan: UInt16) {
        guard let entry = state.withLock({ $0.entries[id] }) else { return }
        try? entry.device.resetStatistics(of: vchan == .max ? nil : vchan)
        // One channel's reset begins the comparison of all anew.
        if observer_is_observed(id) { entry.driver.beginComparison() }
    }

    /// Starts the telemetry server beside that of the application's EAL, whose prefix is in use.
    private func startServer(for directory: String) {
        let isFirst = state.withLock { state in
            defer { state.hasTriedServer = true }
            return !state.hasTriedServer
        }
        guard isFirst else { return }
        let prefix = directory.split(separator: "/").last.map(String.init) ?? "rte"
        // The EAL binds the calling thread to a processor, which the server must not share.
        let thread = SystemThread.current
        let processors = try? thread.processors
        try? thread.run(on: .all)
        defer { if let processors { try? thread.run(on: processors) } }
        var configuration = TelemetryServer.Configuration()
        configuration.raisesDescriptorLimit = false
        do throws(TelemetryServerError) {
            let server = try TelemetryServer.start(
                filePrefix: prefix + ".dmascope", commands: DeviceCommands.table(for: registry),
                configuration: configuration)
            state.withLock { $0.server = server }
        } catch {
            warn("no telemetry server: \(error.reason)")
        }
    }

    private func warn(_ text: String) {
        let line = Array("dmascope: \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
