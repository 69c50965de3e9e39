/// Instructions for recording events with LTTng.
package enum RecordingHint {
    /// The commands that record all events of the providers, one per line.
    package static func text(providers: [String]) -> String {
        """
        Record them with:
          \(start(providers: providers))
        Stop and view the trace with:
          lttng stop && lttng view && lttng destroy
        """
    }

    /// The events to record on a busy device, where one event per call is too expensive.
    package static let busyEvents = ["dmadev:burst", "dmadev_engine:completed_burst"]

    /// What these events contain, and the commands that record them.
    package static var busyText: String {
        """
        On a busy device record two events that contain all operations of one doorbell (dmadev:burst)
        and of one publication of completions (dmadev_engine:completed_burst), at a tenth of the cost.
        These buffers have room for a million operations:
          lttng create && lttng enable-channel --userspace --subbuf-size=8M --num-subbuf=8 busy
          lttng enable-event --userspace --channel=busy \(busyEvents.joined(separator: ",")) && lttng start
        """
    }

    /// The command that starts recording.
    package static func start(providers: [String]) -> String {
        let events = providers.map { "'\($0):*'" }.joined(separator: ",")
        return "lttng create && lttng enable-event --userspace \(events) && lttng start"
    }
}
