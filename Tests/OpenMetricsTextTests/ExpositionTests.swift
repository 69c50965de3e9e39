import MetricsTestSupport
import Testing

/// The reader that the tests of metrics use: it must find what a scraper would refuse.
@Suite struct ExpositionTests {
    @Test(arguments: [
        #"a 1"#, #"a{b="c"} 1"#, #"a{b="c",d="\"\\\n,}"} +1.5e-3"#, #"a:b{_="é"} -Inf"#, #"a NaN"#, #"a{b=""} 1.0.0"#,
    ])
    func accepted(line: String) throws {
        let text = try Exposition("# TYPE a gauge\n\(line)\n")
        #expect(text.samples.count == 1)
        #expect(line.hasSuffix(" " + text.samples[0].text))
    }

    @Test(arguments: [
        "", "a", "a ", "a  1", "1a 1", "a{} 1", #"a{b="c",} 1"#, #"a{b="c" 1"#, #"a{b="c"}1"#, #"a{b='c'} 1"#,
        #"a{b="c",b="d"} 1"#, #"a{b:c="d"} 1"#, #"a{b="\t"} 1"#, #"a{b="c} 1"#, "a Inf", "a 1e", "a .5", "a 1 2",
        "a 0x1",
    ])
    func refused(line: String) {
        #expect(throws: (any Error).self) { try Exposition("# TYPE a gauge\n\(line)\n") }
    }

    @Test func labels() throws {
        let text = try Exposition(#"# TYPE a gauge"# + "\n" + #"a{b="\\\"\n",c=""} 1"# + "\n")
        #expect(text.samples[0].labels == ["b": "\\\"\n", "c": ""])
        #expect(throws: (any Error).self) { try Exposition("# TYPE a gauge\na{b=\"c\"} 1\na{b=\"c\"} 2\n") }
        #expect(throws: (any Error).self) { try Exposition("# TYPE a gauge\nb 1\n") }
    }
}
