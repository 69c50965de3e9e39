import OpenMetricsText
import Testing

@Suite struct MetricsTextPartsTests {
    private static let gauge = MetricDescription("many", .gauge, help: "Many.")

    /// One of each type, and one that is longer than a part.
    private static let families =
        MetricsTextTests.families + [
            MetricFamily(gauge, samples: (0..<500).map { MetricSample(["n": "\($0)"], .number(.unsigned($0 * 37))) })
        ]

    private func parts(
        of families: [MetricFamily], in format: MetricsText = .prometheus, size: Int
    ) throws(MetricsTextError) -> [String] {
        var parts = try MetricsTextParts(of: families, in: format, size: size)
        var texts: [String] = []
        while let part = try parts.next() { texts.append(String(decoding: part, as: UTF8.self)) }
        return texts
    }

    @Test(arguments: MetricsText.allCases, [1, 64, 1000, 10_000, 1 << 20])
    func joinedPartsAreTheText(format: MetricsText, size: Int) throws {
        let parts = try parts(of: Self.families, in: format, size: size)
        #expect(try parts.joined() == format.text(of: Self.families))
        #expect(parts.allSatisfy { $0.hasSuffix("\n") })
        #expect(parts.dropLast().allSatisfy { $0.utf8.count >= size })
    }

    @Test func aPartEndsWithTheSampleThatFillsIt() throws {
        let parts = try parts(of: [Self.families[Self.families.count - 1]], size: 200)
        #expect(parts.count > 40)
        for part in parts {
            let lines = part.split(separator: "\n")
            #expect(part.utf8.count - (lines.last?.utf8.count ?? 0) - 1 < 200)
        }
    }

    @Test func aTextWithoutSamplesHasNoParts() throws {
        let empty = [MetricFamily(Self.gauge)]
        #expect(try parts(of: empty, size: 1) == [])
        #expect(try parts(of: empty, in: .openMetrics, size: 1) == ["# EOF\n"])
    }

    @Test func aPartStaysAsItIs() throws {
        var parts = try MetricsTextParts(of: Self.families, in: .prometheus, size: 100)
        let first = try #require(try parts.next())
        let text = String(decoding: first, as: UTF8.self)
        while try parts.next() != nil {}
        #expect(String(decoding: first, as: UTF8.self) == text)
    }

    /// However they are divided into shared labels and others, and however many parts are between them.
    @Test func equalLabelsAreLeftOutInLaterParts() throws {
        let labels: [LabelSet] = [
            ["a": "1", "b": "\n", "c": "x"], ["a": "1"] + ["b": "\n", "c": "x"],
            (["a": "1", "b": "\n"] as LabelSet).prepared + ["c": "x"],
            (["a": "1"] as LabelSet).prepared + ["b": "\n", "c": "x"],
            (["a": "1", "b": "\n", "c": "x"] as LabelSet).prepared,
        ]
        let others = (0..<300).map { MetricSample(["n": "\($0)"], .number(.unsigned(2))) }
        for first in labels {
            let samples =
                [MetricSample(first, .number(.unsigned(1)))] + others
                + labels.map { MetricSample($0, .number(.unsigned(3))) }
            let parts = try parts(of: [MetricFamily(Self.gauge, samples: samples)], size: 100)
            #expect(parts.count > 20)
            #expect(parts.joined().split(separator: "\n").count == 2 + 1 + others.count)
            #expect(parts.joined().contains(#"many{a="1",b="\n",c="x"} 1"#))
        }
    }

    /// Readers compare bytes.
    @Test func labelsAreEqualIfTheirTextIs() throws {
        func lines(_ values: String...) throws -> Int {
            let samples = values.map { MetricSample(["l": $0], .number(.unsigned(1))) }
            return try parts(of: [MetricFamily(Self.gauge, samples: samples)], size: 1).joined().split(separator: "\n")
                .count - 2
        }
        #expect(try lines("\0", "\u{FFFD}") == 1)
        #expect(try lines("\u{E9}", "e\u{301}") == 2)
    }

    @Test func namesOfMetricsAreCheckedFirst() {
        let bad = MetricFamily(MetricDescription("a b", .gauge, help: ""))
        for families in [Self.families + [bad], Self.families + [MetricFamily(Self.gauge)]] {
            #expect(throws: MetricsTextError.self) { try MetricsTextParts(of: families, in: .prometheus) }
        }
    }

    @Test func theTextEndsAtAnInvalidLabel() throws {
        let samples = Self.families[Self.families.count - 1].samples + [MetricSample(["0": ""], .number(.unsigned(1)))]
        var parts = try MetricsTextParts(of: [MetricFamily(Self.gauge, samples: samples)], in: .openMetrics, size: 100)
        var count = 0
        #expect(throws: MetricsTextError.self) { while try parts.next() != nil { count += 1 } }
        #expect(count > 20)
        #expect(try parts.next() == nil)
    }
}
