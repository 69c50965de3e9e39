import MetricsTestSupport
import OpenMetricsText
import Testing

@Suite struct MetricsTextTests {
    /// One of each type.
    static let families = [
        MetricFamily(
            MetricDescription("dma_moved_bytes", .counter, unit: "bytes", help: "Bytes moved."),
            samples: [
                MetricSample(["device": "0"], .number(.unsigned(.max)), created: 1_700_000_000.25),
                MetricSample(["device": "1"], .number(.unsigned(0))),
            ]),
        MetricFamily(
            MetricDescription("dma_temperature_celsius", .gauge, unit: "celsius", help: "How warm."),
            samples: [MetricSample([:], .number(.signed(-4)))]),
        MetricFamily(
            MetricDescription("dma_load_ratio", .gauge, unit: "ratio", help: "How busy."),
            samples: [
                MetricSample(["cpu": "0"], .number(.real(0.1))), MetricSample(["cpu": "1"], .number(.real(.nan))),
                MetricSample(["cpu": "2"], .number(.real(.infinity))),
                MetricSample(["cpu": "3"], .number(.real(-.infinity))),
            ]),
        MetricFamily(
            MetricDescription("dma_latency_seconds", .histogram, unit: "seconds", help: "How long."),
            samples: [
                MetricSample(
                    ["vchan": "0"],
                    .histogram(
                        MetricHistogram(
                            buckets: [.init(upperBound: 1.024e-06, count: 2), .init(upperBound: 1, count: 3)], rest: 1,
                            sum: .real(12.5))), created: 1_700_000_001),
                MetricSample([:], .histogram(MetricHistogram(buckets: [], sum: .unsigned(0)))),
            ]),
        MetricFamily(
            MetricDescription("dma_device", .info, help: "What it is."),
            samples: [MetricSample(["driver": "software"], .number(.unsigned(7)))]),
        MetricFamily(MetricDescription("dma_absent", .gauge, help: "Nothing has it.")),
    ]

    @Test func openMetricsIsWrittenToTheLetter() throws {
        #expect(
            try MetricsText.openMetrics.text(of: Self.families) == """
                # TYPE dma_moved_bytes counter
                # UNIT dma_moved_bytes bytes
                # HELP dma_moved_bytes Bytes moved.
                dma_moved_bytes_total{device="0"} 18446744073709551615
                dma_moved_bytes_created{device="0"} 1700000000.25
                dma_moved_bytes_total{device="1"} 0
                # TYPE dma_temperature_celsius gauge
                # UNIT dma_temperature_celsius celsius
                # HELP dma_temperature_celsius How warm.
                dma_temperature_celsius -4
                # TYPE dma_load_ratio gauge
                # UNIT dma_load_ratio ratio
                # HELP dma_load_ratio How busy.
                dma_load_ratio{cpu="0"} 0.1
                dma_load_ratio{cpu="1"} NaN
                dma_load_ratio{cpu="2"} +Inf
                dma_load_ratio{cpu="3"} -Inf
                # TYPE dma_latency_seconds histogram
                # UNIT dma_latency_seconds seconds
                # HELP dma_latency_seconds How long.
                dma_latency_seconds_bucket{vchan="0",le="1.024e-06"} 2
                dma_latency_seconds_bucket{vchan="0",le="1.0"} 5
                dma_latency_seconds_bucket{vchan="0",le="+Inf"} 6
                dma_latency_seconds_count{vchan="0"} 6
                dma_latency_seconds_sum{vchan="0"} 12.5
                dma_latency_seconds_created{vchan="0"} 1700000001.0
                dma_latency_seconds_bucket{le="+Inf"} 0
                dma_latency_seconds_count 0
                dma_latency_seconds_sum 0
                # TYPE dma_device info
                # HELP dma_device What it is.
                dma_device_info{driver="software"} 1
                # EOF

                """)
    }

    @Test func prometheusTextIsWrittenToTheLetter() throws {
        #expect(
            try MetricsText.prometheus.text(of: Self.families) == """
                # HELP dma_moved_bytes_total Bytes moved.
                # TYPE dma_moved_bytes_total counter
                dma_moved_bytes_total{device="0"} 18446744073709551615
                dma_moved_bytes_total{device="1"} 0
                # HELP dma_temperature_celsius How warm.
                # TYPE dma_temperature_celsius gauge
                dma_temperature_celsius -4
                # HELP dma_load_ratio How busy.
                # TYPE dma_load_ratio gauge
                dma_load_ratio{cpu="0"} 0.1
                dma_load_ratio{cpu="1"} NaN
                dma_load_ratio{cpu="2"} +Inf
                dma_load_ratio{cpu="3"} -Inf
                # HELP dma_latency_seconds How long.
                # TYPE dma_latency_seconds histogram
                dma_latency_seconds_bucket{vchan="0",le="1.024e-06"} 2
                dma_latency_seconds_bucket{vchan="0",le="1.0"} 5
                dma_latency_seconds_bucket{vchan="0",le="+Inf"} 6
                dma_latency_seconds_count{vchan="0"} 6
                dma_latency_seconds_sum{vchan="0"} 12.5
                dma_latency_seconds_bucket{le="+Inf"} 0
                dma_latency_seconds_count 0
                dma_latency_seconds_sum 0
                # HELP dma_device_info What it is.
                # TYPE dma_device_info gauge
                dma_device_info{driver="software"} 1

                """)
    }

    @Test(arguments: [
        ("\\", "\\\\", "\\\\"), ("\"", "\\\"", "\""), ("\n", "\\n", "\\n"), ("\\n", "\\\\n", "\\\\n"),
        ("\\\"", "\\\\\\\"", "\\\\\""), ("\0", "\u{FFFD}", "\u{FFFD}"), ("\r\n", "\r\\n", "\r\\n"), ("é✓", "é✓", "é✓"),
        ("", "", ""),
    ])
    func textIsEscaped(text: String, quoted: String, unquoted: String) throws {
        let family = MetricFamily(
            MetricDescription("m", .gauge, help: text), samples: [MetricSample(["l": text], .number(.unsigned(1)))])
        #expect(
            try MetricsText.openMetrics.text(of: [family])
                == "# TYPE m gauge\n# HELP m \(quoted)\nm{l=\"\(quoted)\"} 1\n# EOF\n")
        #expect(
            try MetricsText.prometheus.text(of: [family])
                == "# HELP m \(unquoted)\n# TYPE m gauge\nm{l=\"\(quoted)\"} 1\n")
    }

    @Test func ofTwoSamplesWithTheSameLabelsTheFirstIsWritten() throws {
        let family = MetricFamily(
            MetricDescription("m", .gauge, help: "Twice."),
            samples: [
                MetricSample(["l": "a"], .number(.unsigned(1))), MetricSample(["l": "b"], .number(.unsigned(2))),
                MetricSample(["l": "a"], .number(.unsigned(3))),
            ])
        #expect(try Exposition(MetricsText.prometheus.text(of: [family])).samples.map(\.text) == ["1", "2"])
    }

    /// Sets that share their first labels are the same as others with these labels.
    @Test func labelsCanBeSharedByManySamples() throws {
        let source: LabelSet = ["a": "1", "b": "\n"]
        let (sum, plain): (LabelSet, LabelSet) = (source + ["c": "2"], ["a": "1", "b": "\n", "c": "2"])
        #expect(sum == plain && Set([sum, plain]).count == 1 && sum["b"] == "\n" && sum["c"] == "2")
        #expect(sum + [:] == plain && [:] + sum == plain && sum != source)
        let gauge = MetricDescription("m", .gauge, help: "-")
        func text(_ sets: LabelSet...) throws -> String {
            let samples = sets.enumerated().map { MetricSample($1, .number(.unsigned(UInt64($0)))) }
            return try MetricsText.prometheus.text(of: [MetricFamily(gauge, samples: samples)])
        }
        #expect(
            try text(source + [:], sum, plain, ["a": "1"] + ["c": "2"], source + ["c": "3"], source).split(
                separator: "\n"
            )
            .dropFirst(2) == [
                #"m{a="1",b="\n"} 0"#, #"m{a="1",b="\n",c="2"} 1"#, #"m{a="1",c="2"} 3"#,
                #"m{a="1",b="\n",c="3"} 4"#,
            ])
        #expect(throws: MetricsTextError.self) { try text(sum + ["a": "3"]) }
        // Also when the labels were written for a metric of another type before.
        let shared: LabelSet = ["le": "1"] + ["c": "2"]
        let histogram = MetricFamily(
            MetricDescription("h", .histogram, help: "-"),
            samples: [MetricSample(shared, .histogram(MetricHistogram(buckets: [], sum: .unsigned(0))))])
        let other = MetricFamily(gauge, samples: [MetricSample(shared, .number(.unsigned(1)))])
        #expect(throws: MetricsTextError.self) { try MetricsText.prometheus.text(of: [other, histogram]) }
    }

    @Test func histogramsOfAFamilyMayHaveOtherBounds() throws {
        func sample(_ name: String, _ bounds: Double...) -> MetricSample {
            let buckets = bounds.map { MetricHistogram.Bucket(upperBound: $0, count: 1) }
            return MetricSample(["n": name], .histogram(MetricHistogram(buckets: buckets, sum: .unsigned(0))))
        }
        let family = MetricFamily(
            MetricDescription("h", .histogram, help: "-"),
            samples: [sample("a", 1, 2), sample("b", 1, 3, 4), sample("c", 0.5), sample("d", 1, 2)])
        let text = try Exposition(MetricsText.prometheus.text(of: [family]))
        let bounds = text["h_bucket"].map { "\($0.labels["n"] ?? "") \($0.labels["le"] ?? "")" }
        #expect(
            bounds == [
                "a 1.0", "a 2.0", "a +Inf", "b 1.0", "b 3.0", "b 4.0", "b +Inf", "c 0.5", "c +Inf", "d 1.0", "d 2.0",
                "d +Inf",
            ])
    }

    @Test func whatDoesNotFitTheTypeIsLeftOut() throws {
        let histogram = MetricValue.histogram(MetricHistogram(buckets: [], sum: .unsigned(0)))
        let families = [
            MetricFamily(
                MetricDescription("a", .counter, help: "-"),
                samples: [
                    MetricSample(["n": "0"], .number(.signed(-1))), MetricSample(["n": "1"], .number(.real(.nan))),
                    MetricSample(["n": "2"], histogram), MetricSample(["n": "3"], .number(.real(0.5))),
                ]),
            MetricFamily(
                MetricDescription("b", .histogram, help: "-"), samples: [MetricSample([:], .number(.unsigned(1)))]),
        ]
        let text = try Exposition(MetricsText.openMetrics.text(of: families))
        #expect(text.samples.map(\.name) == ["a_total"])
        #expect(text.value("a_total", ["n": "3"]) == 0.5)
    }

    @Test(
        arguments: [
            ("", nil), ("1a", nil), ("a-b", nil), ("ä", nil), ("a_total", nil), ("a_info", nil), ("a_bucket", nil),
            ("a_count", nil), ("a_sum", nil), ("a_created", nil), ("seconds", "seconds"), ("a_second", "seconds"),
        ] as [(String, String?)])
    func aNameThatIsNoneIsRefused(name: String, unit: String?) {
        let description = MetricDescription(name, .gauge, unit: unit, help: "-")
        #expect(description.problem != nil)
        #expect(throws: MetricsTextError.self) { try MetricsText.openMetrics.text(of: [MetricFamily(description)]) }
    }

    /// Readers refuse a page whose buckets decrease.
    @Test func aHistogramWithMoreThanCanBeCountedIsLeftOut() throws {
        let bucket = MetricHistogram.Bucket(upperBound: 1, count: .max - 1)
        func text(_ rest: UInt64) throws -> String {
            let histogram = MetricHistogram(buckets: [bucket], rest: rest, sum: .real(1))
            return try MetricsText.openMetrics.text(of: [
                MetricFamily(MetricDescription("h", .histogram, help: ""), samples: [.init([:], .histogram(histogram))])
            ])
        }
        #expect(try text(1).contains("h_count 18446744073709551615"))
        #expect(try !text(2).contains("h_count"))
    }

    @Test func otherSlipsAreRefused() {
        func refuses(_ families: MetricFamily...) {
            #expect(throws: MetricsTextError.self) { try MetricsText.prometheus.text(of: families) }
        }
        let gauge = MetricDescription("g", .gauge, help: "-")
        func one(_ labels: LabelSet) -> [MetricSample] { [MetricSample(labels, .number(.unsigned(1)))] }
        refuses(MetricFamily(gauge), MetricFamily(gauge))
        refuses(MetricFamily(MetricDescription("i_seconds", .info, unit: "seconds", help: "-")))
        for name in ["", "__a", "a:b", "0", "a b"] { refuses(MetricFamily(gauge, samples: one([name: ""]))) }
        refuses(MetricFamily(gauge, samples: one(["a": "1", "a": "2"])))
        refuses(MetricFamily(MetricDescription("h", .histogram, help: "-"), samples: one(["le": "1"])))
        #expect(gauge.problem == nil)
    }
}

/// What others read in the texts.
@Suite struct ReaderTests {
    /// A family whose labels and help hold all that has to be escaped.
    private let odd = MetricFamily(
        MetricDescription("odd", .gauge, help: "Quotes \", backslashes \\, and\nlines."),
        samples: ["\"", "\\", "\n", "\\n", "a,b=\"c\"}", "é✓", "", "\u{1}", "\r"].map {
            MetricSample(["l": $0], .number(.unsigned(1)))
        })

    private var families: [MetricFamily] { MetricsTextTests.families + [odd] }

    @Test func theGrammarHoldsAndEveryLabelComesBack() throws {
        for format in MetricsText.allCases {
            let text = try Exposition(format.text(of: families))
            #expect(text.isEnded == (format == .openMetrics))
            #expect(text["odd"].map { $0.labels["l"] } == odd.samples.map { $0.labels["l"] })
            #expect(text.value("dma_moved_bytes_total", ["device": "0"]) == 18446744073709551616)
        }
        #expect(try Exposition(MetricsText.openMetrics.text(of: families)).units["dma_load_ratio"] == "ratio")
    }

    @Test func promtoolHasNoComplaints() throws {
        #expect(try MetricsReaders.promtoolComplaints(MetricsText.prometheus.text(of: families)) == "")
        #expect(try MetricsReaders.promtoolComplaints("bad{ 1\n") != "")
    }

    @Test func prometheusPythonLibraryReadsOpenMetrics() throws {
        let samples = try MetricsReaders.openMetricsSamples(MetricsText.openMetrics.text(of: families))
        #expect(samples.contains("dma_latency_seconds_bucket [('le', '1.024e-06'), ('vchan', '0')] 2"))
        #expect(samples.contains("dma_moved_bytes_created [('device', '0')] 1700000000.25"))
        #expect(samples.contains(#"odd [('l', '\\n')] 1"#))
        #expect(samples.contains(#"odd [('l', '"')] 1"#))
        #expect(throws: (any Error).self) { try MetricsReaders.openMetricsSamples("a 1\n") }
    }

    @Test func preparedLabelsAreWrittenAsOthersAre() throws {
        let plain: LabelSet = ["device": "0", "name": "a\"b"]
        let sums = [plain, plain + ["vchan": "1"], plain + ["vchan": "2"] + ["state": "on"]]
        let prepared = [
            plain.prepared, plain.prepared + ["vchan": "1"], (plain + ["vchan": "2"]).prepared + ["state": "on"],
        ]
        #expect(sums == prepared && Set(sums + prepared).count == 3)
        #expect(prepared[2].labels == sums[2].labels && prepared[2]["device"] == "0" && prepared[2]["state"] == "on")
        let description = MetricDescription("dma_value", .gauge, help: "A value.")
        func text(_ labels: [LabelSet]) throws(MetricsTextError) -> String {
            try MetricsText.prometheus.text(
                of: [MetricFamily(description, samples: labels.map { MetricSample($0, .number(.unsigned(1))) })])
        }
        #expect(try text(sums) == text(prepared))
        // Of two samples with the same labels only one is written, however they were made.
        #expect(try text(sums) == text(sums + prepared))
        for wrong in [["0": "x"], ["device": "1"]] as [LabelSet] {
            #expect(throws: MetricsTextError.self) { try text([(plain + wrong).prepared]) }
            #expect(throws: MetricsTextError.self) { try text([plain.prepared + wrong]) }
        }
    }
}
