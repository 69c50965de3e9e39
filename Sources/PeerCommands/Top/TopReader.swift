import CommandSupport
import DMADev
import LinuxSystem
import MetricsExporter
import TelemetryWire

/// Takes readings of a target: all that it reports. DPDK applications report the statistics only.
struct TopReader {
    private let peer: Peer
    private let commands: Set<String>
    /// For targets that report only the counters of channels.
    private let observer = ProgressObserver()

    init(_ peer: Peer) throws(Failure) {
        let list = try peer.require("/", "the target does not list its commands")
        commands = Set(list.elements.compactMap(\.string))
        guard commands.contains("/dmadev/list") else {
            throw peer.missing("the target does not report DMA devices", "/dmadev/list")
        }
        self.peer = peer
    }

    func read() throws(Failure) -> TopReading {
        let devices = try peer.devices()
        var channels: [TopChannel] = []
        for device in devices { channels += try read(device) }
        return TopReading(
            time: .now, wallClock: MonotonicTime.wallClockNanoseconds,
            origin: .process(version: peer.version, pid: peer.pid), deviceCount: devices.count, channels: channels)
    }

    private func read(_ device: PeerDevice) throws(Failure) -> [TopChannel] {
        let rings = try rows(.channels, device)
        let counters = try rows(.counters, device)
        let latencies = try rows(.latency, device)
        if !commands.contains(SourceCommand.channels.path), commands.contains(SourceCommand.statistics.path) {
            return try observe(device)
        }
        var channels: [TopChannel] = []
        for vchan in 0..<max(device.vchanCount, 0) {
            var channel = TopChannel(key: TopChannel.Key(device: device.id, name: device.name, vchan: vchan))
            if let ring = rings[vchan] { channel.take(ring) }
            // Channels that are not set up, and devices that were removed meanwhile, have no counters.
            channel.take(counters: counters[vchan])
            channel.latency = latencies[vchan].flatMap { $0["buckets"] == nil ? nil : Latency($0) }
            channels.append(channel)
        }
        return channels
    }

    /// The channels of a DPDK device.
    private func observe(_ device: PeerDevice) throws(Failure) -> [TopChannel] {
        let observed = try peer.observedRows(of: device, observer)
        return (0..<max(device.vchanCount, 0)).map { vchan in
            var channel = TopChannel(key: TopChannel.Key(device: device.id, name: device.name, vchan: vchan))
            if let (row, statistics) = observed.first(where: { $0.row["vchan"]?.integer == vchan }) {
                channel.take(row)
                channel.take(counters: statistics)
            }
            return channel
        }
    }

    /// The rows of a command by channel; empty if the target does not have the command.
    private func rows(_ command: SourceCommand, _ device: PeerDevice) throws(Failure) -> [Int64: JSONTree] {
        guard commands.contains(command.path), let rows = try peer.channelRows(command, of: device) else { return [:] }
        return Dictionary(
            rows.compactMap { row in row["vchan"]?.integer.map { ($0, row) } }, uniquingKeysWith: { first, _ in first })
    }
}

extension TopChannel {
    /// Reads a row of `/dmadev/vchans`.
    mutating func take(_ ring: JSONTree) {
        state = ring["state"]?.string
        descriptorCount = ring["nb_desc"]?.unsigned
        if let pending = ring["pending"]?.unsigned, let running = ring["running"]?.unsigned,
            let done = ring["completed"]?.unsigned
        {
            usedCount = pending &+ running &+ done
        }
    }

    /// Reads a reply to `/dmadev/xstats` or `/dmadev/stats`.
    mutating func take(counters reply: JSONTree?) {
        for counter in TopCounter.allCases { counters[counter] = reply?[counter.rawValue]?.unsigned }
    }
}
