/// How to record the events of some providers with LTTng.
enum RecordingHint {
    /// The commands, one a line.
    static func text(providers: [String]) -> String {
        """
        Record them with
          \(start(providers: providers))
        and after a while
          lttng stop && lttng view && lttng destroy
        """
    }

    /// What to record of a busy device, where one event for each call is too much.
    static let busyEvents = ["dmadev:burst", "dmadev_engine:completed_burst"]

    /// How to record them: what they tell, and the commands.
    static var busyText: String {
        """
        Of a busy device record two events that tell of all its operations, those of one doorbell
        (dmadev:burst) and those of one publication of completions (dmadev_engine:completed_burst)
        at once, at a tenth of the cost. Room for a million operations:
          lttng create && lttng enable-channel --userspace --subbuf-size=8M --num-subbuf=8 busy
          lttng enable-event --userspace --channel=busy \(busyEvents.joined(separator: ",")) && lttng start
        """
    }

    /// The command that begins a recording.
    static func start(providers: [String]) -> String {
        let events = providers.map { "'\($0):*'" }.joined(separator: ",")
        return "lttng create && lttng enable-event --userspace \(events) && lttng start"
    }
}
