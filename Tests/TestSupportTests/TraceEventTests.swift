import Testing

@testable import TestSupport

@Suite struct TraceEventTests {
    @Test func aLineIsTakenApart() throws {
        let event = try TraceEvent(
            #"[1795247088.116654953] vm:some-program:(28712) dmadev:copy: { cpu_id = 1 }, { dev_id = -3, src = 0xFFFF800000001000 }"#
        )
        #expect(event.timestamp == "1795247088.116654953")
        #expect(event.name == "dmadev:copy")
        #expect(try event.fields() == ["dev_id": -3, "src": 0xFFFF_8000_0000_1000])
    }

    @Test func sequencesComeWithoutTheirLengthFields() throws {
        #expect(
            try fields("{ _a_length = 2, a = [ [0] = 0x10, [1] = 2 ], _b_length = 0, b = [ ], ret = 2 }")
                == ["a": [16, 2], "b": [], "ret": 2])
    }

    @Test func stringsMayHoldAnything() throws {
        #expect(
            try fields(#"{ name = "a \"b\" = {1}, \\ \n\t", other = "" }"#)
                == ["name": "a \"b\" = {1}, \\ \n\t", "other": ""])
    }

    @Test func whatIsNotAnEventIsAnError() {
        #expect(throws: TestSupportError.self) { try TraceEvent("some other line") }
        #expect(throws: TestSupportError.self) { try fields("{ a = 1, b = }") }
        #expect(throws: TestSupportError.self) { try fields("{ a = \"1 }") }
    }

    @Test func discardedEventsAreAddedUp() throws {
        let warning = "11-21 WARN: Tracer discarded %1 events between [1] and [2] in trace \"/t\"\n"
        let text = warning.replacing("%1", with: "12") + "something else\n" + warning.replacing("%1", with: "30")
        #expect(try LTTngSession.discardedCount(in: text) == 42)
        #expect(throws: TestSupportError.self) {
            try LTTngSession.discardedCount(in: "Tracer may have discarded events between")
        }
    }

    private func fields(_ text: String) throws -> [String: TraceValue] {
        try TraceEvent("[1.0] host:p:(1) a:b: { cpu_id = 0 }, \(text)").fields()
    }
}
