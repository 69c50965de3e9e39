import DMADev
import LinuxSystem
import TelemetryWire

/// Takes readings of a target: all that it reports. DPDK applications report the statistics only.
struct TopReader {
    private let peer: Peer
    private let commands: Set<String>

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
            time: .now, wallClock: MonotonicTime.wallClockNanoseconds, version: peer.version, pid: peer.pid,
            deviceCount: devices.count, channels: channels)
    }

    private func read(_ device: PeerDevice) throws(Failure) -> [TopChannel] {
        let rings = try request("/dmadev/vchans", device)?.elements ?? []
        var channels: [TopChannel] = []
        for vchan in 0..<max(device.vchanCount, 0) {
            let key = TopChannel.Key(device: device.id, name: device.name, vchan: vchan)
            var channel = TopChannel(key: key)
            if let ring = rings.first(where: { $0["vchan"]?.integer == vchan }) { channel.take(ring) }
            // Channels that are not set up, and devices that were removed meanwhile, have no counters.
            let hasMore = commands.contains("/dmadev/xstats")
            channel.take(counters: try request(hasMore ? "/dmadev/xstats" : "/dmadev/stats", device, vchan))
            channel.latency = try request("/dmadev/latency", device, vchan).map { Latency($0) }
            channels.append(channel)
        }
        return channels
    }

    /// The reply; `nil` if the target does not have the command.
    private func request(_ command: String, _ device: PeerDevice, _ vchan: Int64? = nil) throws(Failure) -> JSONTree? {
        guard commands.contains(command) else { return nil }
        return try peer.request("\(command),\(device.id)" + (vchan.map { ",\($0)" } ?? ""))
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
