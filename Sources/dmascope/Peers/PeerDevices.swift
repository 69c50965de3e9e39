import TelemetryWire

/// A device as a peer reports it.
struct PeerDevice {
    let id: Int64
    /// The reply to `/dmadev/info`; empty if the device was removed after `/dmadev/list`.
    let info: JSONTree

    var name: String { info["name"]?.string ?? "" }
    var vchanCount: Int64 { info["nb_vchans"]?.integer ?? 0 }

    /// The capabilities that the device has, in the peer's order.
    var capabilities: [String] {
        info["capabilities"]?.members.filter { $0.value != .integer(0) && $0.value != .bool(false) }.map(\.name) ?? []
    }

    /// The device as JSON: its number, then the members of the peer's reply.
    var json: JSONTree {
        .object([JSONTree.Member("id", .integer(id))] + info.members)
    }
}

extension Peer {
    /// All devices of the peer.
    func devices() throws(Failure) -> [PeerDevice] {
        let list = try require("/dmadev/list", "the target does not report DMA devices")
        var devices: [PeerDevice] = []
        for id in list.elements.compactMap(\.integer) {
            devices.append(PeerDevice(id: id, info: try request("/dmadev/info,\(id)") ?? .object([])))
        }
        return devices
    }

    /// The devices with these numbers or names; all if `names` is empty.
    func devices(named names: [String]) throws(Failure) -> [PeerDevice] {
        let all = try devices()
        if names.isEmpty { return all }
        var found: [PeerDevice] = []
        for name in names { found.append(try Self.device(name, in: all, of: self)) }
        return found
    }

    /// The device with that number or name.
    static func device(_ name: String, in all: [PeerDevice], of peer: Peer) throws(Failure) -> PeerDevice {
        guard let device = all.first(where: { $0.name == name }) ?? all.first(where: { "\($0.id)" == name }) else {
            let known = all.isEmpty ? "none" : all.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")
            throw Failure("there is no device \(name) at \(peer.path): it has \(known)", status: .missing)
        }
        return device
    }
}
