import ArgumentParser
import DMAController
import DomainBroker

/// The value of `--os-domain`: `name=NAME,memory=PATH,channel=PATH`.
struct OSDomainOption: ExpressibleByArgument, Equatable {
    let domain: OSDomain
    let channel: String

    init?(argument: String) {
        guard let values = KeyValues(argument, keys: ["name", "memory", "channel"]),
            OSDomain.isValid(name: values["name"])
        else { return nil }
        domain = OSDomain(name: values["name"], memory: values["memory"])
        channel = values["channel"]
    }
}

/// The value of `--broker`: `memory=PATH,channel=PATH`.
struct BrokerOption: ExpressibleByArgument, Equatable {
    let place: BrokerPlace

    init?(argument: String) {
        guard let values = KeyValues(argument, keys: ["memory", "channel"]) else { return nil }
        place = BrokerPlace(memory: values["memory"], channel: values["channel"])
    }
}

/// `KEY=VALUE,…` in any order, each key once, no value empty. Values have no comma.
private struct KeyValues {
    private var values: [String: String] = [:]

    init?(_ text: String, keys: [String]) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let equal = part.firstIndex(of: "=") else { return nil }
            let (key, value) = (String(part[..<equal]), String(part[part.index(after: equal)...]))
            guard keys.contains(key), values[key] == nil, !value.isEmpty else { return nil }
            values[key] = value
        }
        guard values.count == keys.count else { return nil }
    }

    /// All keys have a value.
    subscript(key: String) -> String { values[key, default: ""] }
}
