/// What the server counts, from its start on.
struct ServerStatistics {
    /// Requests, however answered.
    var requests: UInt64 = 0
    /// Requests answered with null.
    var errors: UInt64 = 0
    /// Requests answered with text that was kept.
    var cached: UInt64 = 0
    /// Clients that were accepted.
    var accepted: UInt64 = 0
    /// Clients that were turned away, for want of descriptors or because there are too many.
    var refusals: UInt64 = 0
    /// Clients that were cut off because too many do not read their replies.
    var dropped: UInt64 = 0
    /// Requests that were timed.
    var served: UInt64 = 0
    /// Nanoseconds from a request received to its reply sent.
    var serviceSum: UInt64 = 0
    var serviceMaximum: UInt64 = 0

    mutating func addServiceTime(_ nanoseconds: UInt64) {
        served &+= 1
        serviceSum &+= nanoseconds
        if nanoseconds > serviceMaximum { serviceMaximum = nanoseconds }
    }
}
