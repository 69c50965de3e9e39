/// What is open of a channel in an exported trace.
///
/// Operations with the same doorbell, run or poll have one slice of it in common. They come in the order of the ring, so the
/// slices of each row do, too.
final class ChromeChannel {
    /// A slice that grows while operations belong to it.
    struct Slice: Equatable {
        let start: Int64
        let end: Int64
        var count: UInt64 = 1
        /// The number of the first operation.
        let first: UInt64

        func covers(_ start: Int64, _ end: Int64) -> Bool { self.start == start && self.end == end }
    }

    /// Where operations have been together: doorbell, the run's beginning and end, poll.
    struct Route: Equatable {
        let rung: Int64?
        let run: [Int64]
        let engine: ChromeTrack?
        let polled: Int64?
    }

    /// `dma0 vchan 0`, without quotes, as JSON.
    let name: String
    /// The row of its calls.
    let calls: ChromeTrack
    /// The rows of what engines do for it, by their process and number, and where the last slice there ends.
    var engines: [[Int]: (track: ChromeTrack, end: Int64)] = [:]
    var doorbell: Slice?
    var poll: Slice?
    var run: (slice: Slice, kind: UInt8, engine: [Int])?
    var route: Route?
    /// The last counts that were written, or are to be.
    var occupancy: UInt64?
    var bytes: (sum: UInt64, time: Int64)?

    init(name: String, calls: ChromeTrack) {
        self.name = name
        self.calls = calls
    }
}
