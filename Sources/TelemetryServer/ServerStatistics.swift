import TelemetryWire

/// The server's counters since its start.
struct ServerStatistics {
    /// All requests.
    var requests: UInt64 = 0
    /// Requests answered with null.
    var errors: UInt64 = 0
    /// Requests answered from the reply cache.
    var cached: UInt64 = 0
    /// Clients that were accepted.
    var accepted: UInt64 = 0
    /// Requests that needed more than the right to read, and had it, by the right that they needed.
    var privileged: [TelemetryRight: UInt64] = [.reset: 0, .control: 0]
    /// Clients that were refused, because they have no right, descriptors were used up or the maximum number was reached.
    var refusals: UInt64 = 0
    /// Clients that were disconnected because their unread replies exceeded the limit.
    var dropped: UInt64 = 0
    /// Requests whose service time was measured.
    var served: UInt64 = 0
    /// Sum of nanoseconds from receiving a request to sending its reply.
    var serviceSum: UInt64 = 0
    var serviceMaximum: UInt64 = 0

    mutating func addServiceTime(_ nanoseconds: UInt64) {
        served &+= 1
        serviceSum &+= nanoseconds
        if nanoseconds > serviceMaximum { serviceMaximum = nanoseconds }
    }
}
