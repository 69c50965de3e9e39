import TestSupport
import Testing

/// What the loader maps together with the program.
@Suite struct LinkTests {
    /// ICU alone is larger than the rest of the program; FoundationEssentials, which Hummingbird and the argument parser
    /// use, does without it.
    @Test func theProgramNeedsNeitherFullFoundationNorICU() throws {
        // Makes the loader print what it would map, indirect dependencies included, instead of running the program.
        let list = try runProgram(builtProduct("dmascope"), environment: ["LD_TRACE_LOADED_OBJECTS": "1"]).output
        let libraries = list.split(separator: "\n").compactMap { $0.split(whereSeparator: \.isWhitespace).first }
        #expect(libraries.contains("libc.so.6"), "not a list of libraries: \(list)")
        for unwanted in ["libFoundation.so", "libFoundationInternationalization.so", "lib_FoundationICU.so"] {
            #expect(!libraries.contains { $0 == unwanted }, "the program needs \(unwanted)")
        }
    }
}
