import DMADev
import LinuxSystem
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// A device as a peer reports it.
package struct PeerDevice {
    package let id: Int64
    /// The reply to `/dmadev/info`; empty if the device was removed after `/dmadev/list`.
    package let info: JSONTree

    package var name: String { info["name"]?.string ?? "" }
    /// Whether it is a device of a DPDK application, with DPDK's driver.
    package var isObserved: Bool { info["observed"]?.integer == 1 }
    package var vchanCount: Int64 { info["nb_vchans"]?.integer ?? 0 }

    /// The capabilities that the device has, in the peer's order.
    package var capabilities: [String] {
        info["capabilities"]?.members.filter { $0.value != .integer(0) && $0.value != .bool(false) }.map(\.name) ?? []
    }

    /// The device as JSON: its number, then the members of the peer's reply.
    package var json: JSONTree {
        .object([JSONTree.Member("id", .integer(id))] + info.members)
    }
}

extension Peer {
    /// All devices of the peer.
    package func devices() throws(Failure) -> [PeerDevice] {
        let list = try require("/dmadev/list", "the target does not report DMA devices")
        var devices: [PeerDevice] = []
        for id in list.elements.compactMap(\.integer) {
            devices.append(PeerDevice(id: id, info: try request("/dmadev/info,\(id)") ?? .object([])))
        }
        return devices
    }

    /// The rows of a command about the channels of a device, read in parts; `nil` if the peer answers with null. A part that
    /// is missing after others is a failure.
    package func channelRows(_ command: SourceCommand, of device: PeerDevice) throws(Failure) -> [JSONTree]? {
        let count = Int(clamping: device.vchanCount)
        var rows: [JSONTree] = []
        repeat {
            let text = "\(command.path),\(device.id),\(rows.count),\(SourceCommand.partCount)"
            guard let part = try request(text)?.elements else {
                if rows.isEmpty { return nil }
                throw missing("some channels of device \(device.id) are not reported", text)
            }
            guard part.allSatisfy({ $0["vchan"]?.integer != nil }), !part.isEmpty || count == 0 else {
                throw missing("some channels of device \(device.id) are not reported", text)
            }
            rows += part
        } while rows.count < count
        return rows
    }

    /// The reply to `/dmadev/dump`; empty if the peer does not have it.
    package func dump(of device: PeerDevice) throws(Failure) -> DeviceDump {
        DeviceDump(try request("\(SourceCommand.dump.path),\(device.id)"))
    }

    /// The channels of a device of DPDK, as far as their counters and the dump tell.
    package func observedRows(
        of device: PeerDevice, _ observer: ProgressObserver
    ) throws(Failure) -> [(row: JSONTree, statistics: JSONTree)] {
        let dump = try dump(of: device)
        var rows: [(JSONTree, JSONTree)] = []
        for vchan in 0..<UInt64(clamping: device.vchanCount) {
            guard let statistics = try request("\(SourceCommand.statistics.path),\(device.id),\(vchan)"),
                let submitted = statistics["submitted"]?.unsigned, let completed = statistics["completed"]?.unsigned
            else { continue }
            let channel = ProgressObserver.Channel(
                source: TelemetrySource(path: path), process: pid, device: UInt64(clamping: device.id), vchan: vchan)
            let state = observer.state(of: channel, submitted: submitted, completed: completed)
            rows.append((dump.row(ofChannel: vchan, state: state, isOnly: device.vchanCount == 1), statistics))
        }
        return rows
    }

    /// The rows of the channels of each device; `nil` if it reports none. Of DPDK's devices the states are determined from
    /// counters: if operations are in flight, all are looked at twice, because only a comparison tells what is stuck.
    package func channels(of devices: [PeerDevice]) throws(Failure) -> [[JSONTree]?] {
        let observer = ProgressObserver()
        var isSecondLook = false
        while true {
            var isActive = false
            var channels: [[JSONTree]?] = []
            for device in devices {
                if let rows = try channelRows(.channels, of: device) {
                    channels.append(rows)
                    continue
                }
                let rows = device.vchanCount > 0 ? try observedRows(of: device, observer).map(\.row) : []
                isActive = isActive || rows.contains { $0["state"]?.string == ChannelProgress.State.active.rawValue }
                channels.append(rows.isEmpty ? nil : rows)
            }
            if !isActive || isSecondLook { return channels }
            isSecondLook = true
            Pause.until(MonotonicTime.now.advanced(by: ChannelProgress.defaultStuckTime))
        }
    }

    /// The devices with these numbers or names; all if `names` is empty.
    package func devices(named names: [String]) throws(Failure) -> [PeerDevice] {
        let all = try devices()
        if names.isEmpty { return all }
        var found: [PeerDevice] = []
        for name in names { found.append(try Self.device(name, in: all, of: self)) }
        return found
    }

    /// The device with that number or name.
    package static func device(_ name: String, in all: [PeerDevice], of peer: Peer) throws(Failure) -> PeerDevice {
        guard let device = all.first(where: { $0.name == name }) ?? all.first(where: { "\($0.id)" == name }) else {
            let known = all.isEmpty ? "none" : all.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")
            let nearest = Suggestion.text(for: name, among: all.map(\.name))
            throw Failure("there is no device \(name)\(nearest) at \(peer.path): it has \(known)", status: .missing)
        }
        return device
    }
}
