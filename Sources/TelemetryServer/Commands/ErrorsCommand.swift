import TelemetryWire

extension ServerCommand {
    /// `/telemetry/errors[,N]`: why requests were answered with null.
    static let errors = ServerCommand(
        path: "/telemetry/errors",
        help:
            "Returns the last requests that were answered with null, with reasons, newest first. Parameters: int count"
            + " (Optional, 1 to \(ErrorLog.capacity))",
        parameters: [TelemetryParameter("count", "1 to \(ErrorLog.capacity)", isOptional: true)]
    ) { (state, request) throws(TelemetryCommandError) in
        var numbers = request.numbers
        let count = try numbers.nextIfPresent("count", in: 1...ErrorLog.capacity) ?? ErrorLog.capacity
        var list = JSONValue.array()
        for entry in state.errors.entries.prefix(count) {
            var object = JSONValue.object()
            object.set("time_ns", entry.time)
            object.set("request", entry.request)
            object.set("reason", entry.reason)
            list.append(object)
        }
        return list
    }
}
