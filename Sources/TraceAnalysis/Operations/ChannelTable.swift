/// The channels and rings of a trace, and which ring belongs to which channel.
final class ChannelTable {
    private var channels: [UInt64: TracedChannel] = [:]
    private var rings: [RingKey: TracedRing] = [:]
    /// Rings whose engine serves another process, until that process names them.
    private var unmapped: [RingKey] = []
    private var devices: [UInt64: (name: String, driver: String)] = [:]
    private var started: Set<UInt64> = []
    /// By the index of a process and a number. Channels stay as long as the table, rings until ``remove(_:)``.
    private let recentChannels = RecentObjects<TracedChannel>()
    private let recentRings = RecentObjects<TracedRing>()

    private struct RingKey: Hashable {
        let process: Int
        let ring: UInt64
    }

    /// All channels, in the order of process, device and number.
    var all: [TracedChannel] {
        channels.values.sorted { ($0.processID, $0.device, $0.vchan) < ($1.processID, $1.device, $1.vchan) }
    }

    /// The channels of a device.
    func channels(of device: Int, _ processID: Int) -> [TracedChannel] {
        channels.values.filter { $0.device == device && $0.processID == processID }
    }

    func add(device: Int, _ processID: Int, name: String, driver: String) {
        devices[Self.key(processID, device, 0)] = (name, driver)
        // They get their name when they are found the next time.
        recentChannels.removeAll()
    }

    func addStart(of device: Int, _ processID: Int) { started.insert(Self.key(processID, device, 0)) }

    /// Whether the trace has a start of the device.
    func isStarted(_ device: Int, _ processID: Int) -> Bool { started.contains(Self.key(processID, device, 0)) }

    /// The channel of a process with this index, made when it appears.
    @inline(__always)
    func channel(ofProcess process: Int, _ device: Int, _ vchan: Int, _ processes: TraceProcesses) -> TracedChannel {
        let key = Self.key(0, device, vchan)
        if let known = recentChannels[process, key] { return known }
        let found = channel(processes.all[process].processID, device, vchan, processes)
        recentChannels.add(found, process, key)
        return found
    }

    /// The channel of a process, made when it appears.
    func channel(_ processID: Int, _ device: Int, _ vchan: Int, _ processes: TraceProcesses) -> TracedChannel {
        let key = Self.key(processID, device, vchan)
        let found: TracedChannel
        if let known = channels[key] {
            found = known
        } else {
            found = TracedChannel(
                process: processes.index(of: processID) ?? -1, processID: processID, device: device, vchan: vchan)
            channels[key] = found
        }
        if let named = devices[Self.key(processID, device, 0)] {
            (found.deviceName, found.driver) = (named.name, named.driver)
        }
        return found
    }

    /// The ring of an engine's event; `nil` if the trace has not had its beginning.
    func ring(_ process: Int, _ number: UInt64) -> TracedRing? {
        if let known = recentRings[process, number] { return known }
        guard let found = rings[RingKey(process: process, ring: number)] else { return nil }
        recentRings.add(found, process, number)
        return found
    }

    func add(_ ring: TracedRing, _ process: Int, _ number: UInt64) {
        ring.number = number
        ring.engineProcess = process
        let key = RingKey(process: process, ring: number)
        rings[key] = ring
        recentRings.removeAll()
        if !ring.isMapped { unmapped.append(key) }
    }

    func remove(_ ring: TracedRing) {
        guard let process = ring.engineProcess, let number = ring.number else { return }
        let key = RingKey(process: process, ring: number)
        guard rings[key] === ring else { return }
        rings[key] = nil
        recentRings.removeAll()
        unmapped.removeAll { $0 == key }
    }

    /// The ring of another process's engine that a process names: the latest with that number, first of those that were
    /// attached for a process of this number.
    func takeUnmapped(_ number: UInt64, _ device: Int, _ vchan: Int, _ processID: Int) -> TracedRing? {
        let candidates = unmapped.indices.reversed().filter { place in
            guard unmapped[place].ring == number, let ring = rings[unmapped[place]] else { return false }
            return ring.channel.device == device && ring.channel.vchan == vchan
        }
        let place = candidates.first { rings[unmapped[$0]]?.channel.processID == processID } ?? candidates.first
        guard let place else { return nil }
        return rings[unmapped.remove(at: place)]
    }

    private static func key(_ processID: Int, _ device: Int, _ vchan: Int) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: processID)) << 32 | UInt64(UInt16(truncatingIfNeeded: device)) << 16
            | UInt64(UInt16(truncatingIfNeeded: vchan))
    }
}
