internal import TelemetryWire

/// Rows of a list that is requested in parts, because all of it may be longer than a reply may be.
///
/// A part has the rows from `first` on, at most `count`, and fewer where it would become too long, but never none while
/// there are more. So a client requests parts until it has the number of rows that it knows.
struct ReplyPart {
    /// Bytes of a reply: below the limit of the server, which answers longer ones with null.
    private static let maximumLength = 120_000

    static let parameters = [
        TelemetryParameter("first", "with count: the first row of a part", isOptional: true),
        TelemetryParameter("count", "the most rows of the part; it may have fewer", isOptional: true),
    ]

    let first: Int
    let count: Int

    /// Reads COUNT, and FIRST before it unless it was read; `nil` when the request has no more parameters.
    init?(
        first: UInt16? = nil, _ numbers: inout TelemetryNumberReader
    ) throws(TelemetryCommandError) {
        guard !numbers.isAtEnd else { return nil }
        if let first {
            self.first = Int(first)
        } else {
            self.first = Int(try numbers.next("first", in: 0...UInt16.max))
        }
        count = Int(try numbers.next("count", in: 1...UInt16.max))
    }

    /// The rows of the part, of `total` rows.
    func reply(
        of total: Int, row: (Int) throws(TelemetryCommandError) -> JSONValue
    ) throws(TelemetryCommandError) -> JSONValue {
        var reply = JSONValue.array()
        var length = 0
        for index in first..<max(first, min(total, first + count)) {
            let row = try row(index)
            length += row.text.utf8.count + 1
            if length > Self.maximumLength, index > first { break }
            reply.append(row)
        }
        return reply
    }
}
