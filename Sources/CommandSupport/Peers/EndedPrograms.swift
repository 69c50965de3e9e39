import DMADev
import LinuxSystem
import ObservedCounters
import TelemetryClient
import TelemetryWire

/// What observed programs have left in the run directories: the counters of those that were killed.
package struct EndedPrograms {
    package private(set) var files: [CountersFile] = []
    /// What could not be read, of users who are trusted.
    package private(set) var failures: [CountersFileError] = []

    /// Reads all files of users who are trusted.
    package init(_ trust: TelemetryTrust) {
        for directory in TelemetryRunDirectory.candidates {
            for prefix in ((try? TelemetryDiscovery.names(in: directory.applications)) ?? []).sorted() {
                let place = directory.directory(filePrefix: prefix)
                guard trust.refusal(ofDirectory: place) == nil else { continue }
                for path in CountersFile.paths(in: place) {
                    do throws(CountersFileError) {
                        let file = try CountersFile(path: path)
                        if trust.includes(file.uid) { files.append(file) }
                    } catch {
                        if error.code == .invalid { failures.append(error) }
                    }
                }
            }
        }
    }

    /// Those that a `dmascope observe` has started since a time of the clock of `Ticks`.
    package func started(by observer: Int32, since start: UInt64) -> [CountersFile] {
        files.filter { $0.session == UInt32(bitPattern: observer) && Int64(bitPattern: $0.created &- start) >= 0 }
    }

    /// What the channels of programs have done.
    package static func table(_ files: [CountersFile]) -> TextTable {
        var table = TextTable(
            ("PID", .right), ("PROGRAM", .left), ("DEVICE", .right), ("NAME", .left), ("DRIVER", .left),
            ("VCHAN", .right), ("SUBMITTED", .right), ("COMPLETED", .right), ("ERRORS", .right), ("NOT POLLED", .right),
            ("BYTES", .right), ("P99", .right))
        for file in files {
            for device in file.devices {
                for (vchan, channel) in device.channels.enumerated() {
                    let p99 = channel.counters.latency.percentile(0.99)
                    let counts = ["submitted", "completed", "errors"].map { "\(channel.counters[$0] ?? 0)" }
                    table.add([
                        "\(file.pid)", file.program, "\(device.id)", device.name, device.driver, "\(vchan)", counts[0],
                        counts[1], counts[2], "\(channel.inFlight)",
                        Quantity.bytes(Double(channel.counters["bytes"] ?? 0)),
                        p99.map { Quantity.time(nanoseconds: Double($0)) } ?? "-",
                    ])
                }
            }
        }
        return table
    }

    package static func json(_ file: CountersFile) -> JSONTree {
        .object([
            JSONTree.Member("pid", .integer(Int64(file.pid))), JSONTree.Member("uid", .integer(Int64(file.uid))),
            JSONTree.Member("program", .string(file.program)), JSONTree.Member("path", .string(file.path)),
            JSONTree.Member("devices", .array(file.devices.map(json))),
        ])
    }

    private static func json(_ device: CountersFile.Device) -> JSONTree {
        let channels = device.channels.enumerated().map { vchan, channel in
            JSONTree.object(
                [JSONTree.Member("vchan", .integer(Int64(vchan)))]
                    + ChannelCounter.table.map { counter in
                        JSONTree.Member(counter.name, .unsigned(counter.value(in: channel.counters)))
                    } + [
                        JSONTree.Member("polls", .unsigned(channel.polls.full &+ channel.polls.empty)),
                        JSONTree.Member("empty_polls", .unsigned(channel.polls.empty)),
                        JSONTree.Member("in_flight", .unsigned(channel.inFlight)),
                    ])
        }
        return .object([
            JSONTree.Member("id", .integer(Int64(device.id))), JSONTree.Member("name", .string(device.name)),
            JSONTree.Member("driver", .string(device.driver)),
            JSONTree.Member("started", .integer(device.isStarted ? 1 : 0)),
            JSONTree.Member("channels", .array(channels)),
        ])
    }
}
