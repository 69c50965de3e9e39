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

    /// The command that begins a recording.
    static func start(providers: [String]) -> String {
        let events = providers.map { "'\($0):*'" }.joined(separator: ",")
        return "lttng create && lttng enable-event --userspace \(events) && lttng start"
    }
}
