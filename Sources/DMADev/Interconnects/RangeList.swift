/// The library's checks of the ranges that an exporter has returned.
enum RangeList {
    /// - Throws: `EINVAL` for a list that is not the whole buffer, each byte once, in ranges of the interconnect's type.
    static func validate(
        _ ranges: [any InterconnectRange], on interconnect: any Interconnect, byteCount: UInt64, of exporter: String
    ) throws(DMAError) {
        func refusal(_ problem: String) -> DMAError {
            .invalid("exporter \(exporter) returned \(problem) for a buffer of \(byteCount) bytes")
        }
        guard (1...BufferAttachment.maximumRangeCount).contains(ranges.count) else {
            throw refusal("\(ranges.count) ranges; 1 to \(BufferAttachment.maximumRangeCount) are allowed")
        }
        guard hasType(of: interconnect, ranges) else {
            throw refusal("a range of another type than \(interconnect.name) has")
        }
        var sum: UInt64 = 0
        for (number, range) in ranges.enumerated() {
            guard range.byteCount > 0 else { throw refusal("range \(number) without a byte") }
            // The last address must exist; the one behind it need not.
            guard !range.address.addingReportingOverflow(range.byteCount - 1).overflow else {
                throw refusal("range \(number) that wraps around the end of the addresses")
            }
            let (next, overflow) = sum.addingReportingOverflow(range.byteCount)
            guard !overflow else { throw refusal("ranges whose total length overflows") }
            sum = next
        }
        guard sum == byteCount else { throw refusal("ranges of \(sum) bytes in total") }
        let sorted = ranges.map { (space: $0.space, first: $0.address, last: $0.address + ($0.byteCount - 1)) }
            .sorted { ($0.space, $0.first) < ($1.space, $1.first) }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.space == next.space {
            guard one.last < next.first else {
                throw refusal("overlapping ranges at 0x\(String(next.first, radix: 16))")
            }
        }
    }

    private static func hasType<I: Interconnect>(of _: I, _ ranges: [any InterconnectRange]) -> Bool {
        ranges.allSatisfy { $0 is I.Range }
    }
}
