public import SystemPackage

/// A set of processors, by number.
public struct ProcessorSet: Sendable, Equatable, CustomStringConvertible {
    /// The highest number of a processor: the kernel's limit.
    public static let maximumNumber = 8191

    /// Every processor that there can be.
    public static let all = ProcessorSet(words: Array(repeating: .max, count: (maximumNumber + 1) / 64))

    /// Bit *n* of word *w* is processor 64 *w* + *n*.
    let words: [UInt64]

    init(words: [UInt64]) {
        self.words = words
    }

    /// Reads the kernel's text form: numbers and ranges, separated by commas, such as `0-2,5`.
    ///
    /// - Returns: `nil` for another text, and for numbers above ``maximumNumber``.
    public init?(_ text: String) {
        var words = [UInt64](repeating: 0, count: Self.all.words.count)
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
            guard bounds.count <= 2, let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last
            else { return nil }
            for processor in first...last { words[processor / 64] |= 1 << UInt64(processor % 64) }
        }
        self.init(words: words)
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text), number <= maximumNumber
        else { return nil }
        return number
    }

    /// The processors that the cgroup of this process allows: those of a thread that has inherited no mask.
    ///
    /// - Throws: `EAGAIN` at the system's thread limit.
    public static func allowed() throws(Errno) -> ProcessorSet {
        // A thread of its own: the mask of the caller must not change.
        let found = Locked<ProcessorSet?>(nil)
        let thread = try SystemThread.start(name: "dma-processors") {
            try? SystemThread.current.run(on: .all)
            found.withLock { $0 = try? SystemThread.current.processors }
        }
        thread.join()
        return found.withLock { $0 } ?? .all
    }

    /// The numbers, ascending.
    public var numbers: [Int] {
        (0...Self.maximumNumber).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 != 0 }
    }

    /// Whether all of its processors are in another set.
    public func isSubset(of other: ProcessorSet) -> Bool {
        zip(words, other.words).allSatisfy { $0 & ~$1 == 0 }
    }

    /// The kernel's text form: `0-2,5`.
    public var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound == number - 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
