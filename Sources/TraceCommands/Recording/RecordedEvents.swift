import ArgumentParser
import DMATrace

/// A part of the events, as `--events` names it.
enum RecordedEvents: String, CaseIterable, ExpressibleByArgument {
    case calls, bursts, engine, groups, memory

    /// The name of what every recording has, where parts are listed.
    static let nameOfAlways = "always"

    /// The events that every recording has: what a trace needs to name devices, and to be compared with counters.
    static let always = [
        "dmadev:device_added", "dmadev:device_removed", "dmadev:configure", "dmadev:start", "dmadev:stop",
        "dmadev:close",
        "dmadev:vchan_setup", "dmadev_engine:engine_start", "dmadev_engine:engine_stop", "dmadev_engine:ring_attach",
        "dmadev_engine:ring_mapped", "dmadev_engine:ring_detach",
    ]

    /// The part that an event belongs to; `nil`: every recording has it.
    static func part(of event: TracePoint) -> RecordedEvents? { part(of: "\(event.provider):\(event.name)") }

    /// The same by the name, as `dmadev:copy`.
    static func part(of name: String) -> RecordedEvents? {
        if always.contains(name) { return nil }
        if ["dmadev:burst", "dmadev_engine:completed_burst"].contains(name) { return .bursts }
        let event = name.split(separator: ":").last ?? ""
        if name.hasPrefix("dmadev_engine:") { return .engine }
        if name.hasPrefix("dmadev_group:") || event.hasPrefix("access_") { return .groups }
        let memory = ["extmem_", "interconnect_", "dma_map", "dma_unmap", "buffer_"]
        return memory.contains { event.hasPrefix($0) } ? .memory : .calls
    }

    /// The events of some parts.
    struct Selection {
        /// Of control calls, which are few.
        private(set) var control: [String] = []
        /// Of operations, which name a channel.
        private(set) var operations: [String] = []
        /// Of engines, as often as those, without a channel.
        private(set) var sleeps: [String] = []

        init(_ parts: [RecordedEvents]) {
            for event in TracePoints.all where RecordedEvents.part(of: event).map(parts.contains) ?? true {
                let name = "\(event.provider):\(event.name)"
                if event.level == "TRACE_INFO" {
                    control.append(name)
                } else if ["sleep", "wake"].contains(event.name) {
                    sleeps.append(name)
                } else {
                    operations.append(name)
                }
            }
        }
    }
}
