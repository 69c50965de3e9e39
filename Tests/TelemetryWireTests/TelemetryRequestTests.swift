import Glibc
import TelemetryWire
import TestSupport
import Testing

@Suite struct TelemetryRequestTests {
    @Test(arguments: [
        ("/dmadev/info,0", "/dmadev/info", "0"), ("/dmadev/info,0,1", "/dmadev/info", "0,1"),
        ("/dmadev/info,,0", "/dmadev/info", ",0"), ("/a,", "/a", nil), ("/a", "/a", nil), (",", "", nil),
        (",,", "", nil), (",,/a,b", "/a", "b"), ("\0/a", "", nil), ("/a\0,0", "/a", nil), ("/a,0\0x", "/a", "0"),
        ("", "", nil), (" /a", " /a", nil), ("/a\n", "/a\n", nil),
    ])
    func aRequestIsTakenApartLikeDPDKDoesIt(_ text: String, _ command: String, _ parameters: String?) {
        let request = TelemetryRequest(text)
        #expect(request.command == command)
        #expect(request.parameters == parameters)
    }

    @Test func theKeyIsCutAtFiftySixBytes() {
        #expect(TelemetryRequest(String(repeating: "a", count: 100)).key == String(repeating: "a", count: 56))
        #expect(TelemetryRequest(String(repeating: "a", count: 56)).key == String(repeating: "a", count: 56))
        // In the middle of a character what is left of it is repaired.
        #expect(TelemetryRequest(String(repeating: "a", count: 55) + "é").key.hasSuffix("a\u{FFFD}"))
    }
}

@Suite struct TelemetryNumberReaderTests {
    @Test(arguments: [
        ("0", [0], ""), ("00", [0], ""), ("0x0", [0], ""), ("0x1F", [31], ""), ("017", [15], ""), ("08", [0, 8], ""),
        ("0x", [0], "x"), ("0,1", [0, 1], ""), ("0,,1", [0, 1], ""), ("0abc", [0], "abc"), ("0\n", [0], "\n"),
        ("-1", [], "-1"), (" 0", [], " 0"), (",0", [], ",0"), ("abc", [], "abc"), ("", [], ""), ("0,-1", [0], ",-1"),
        ("0, 1", [0], ", 1"), ("99999999999999999999999", [UInt64.max], ""), ("18446744073709551615", [.max], ""),
    ])
    func numbersAreReadByDPDKsRules(_ text: String, _ expected: [UInt64], _ rest: String) {
        var reader = TelemetryRequest("/x,\(text)").numbers
        var found: [UInt64] = []
        while let number = reader.next() { found.append(number) }
        #expect(found == expected)
        #expect(reader.remainder == rest)
    }

    @Test func eachNumberIsWhatStrtoulReads() {
        var random = SeededGenerator(for: "eachNumberIsWhatStrtoulReads")
        let alphabet = Array("0123456789abcdefxX,g ".unicodeScalars)
        for _ in 0..<5000 {
            var text = "\(UInt8.random(in: 0...9, using: &random))"
            for _ in 0..<Int.random(in: 0..<24, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? "0")
            }
            var reader = TelemetryNumberReader(text)
            var end: UnsafeMutablePointer<CChar>?
            let (value, rest) = text.withCString {
                (UInt64(strtoul($0, &end, 0)), String(cString: end ?? UnsafeMutablePointer(mutating: $0)))
            }
            #expect(reader.next() == value, "\(text)")
            #expect(reader.remainder == rest, "\(text)")
        }
    }

    @Test func aNumberOutOfRangeIsRefusedWithItsName() throws {
        var reader = TelemetryNumberReader("32768")
        #expect(throws: TelemetryCommandError("dev_id 32768 is out of range; allowed is 0...32767")) {
            _ = try reader.next("dev_id", in: Int16(0)...Int16.max)
        }
        var empty = TelemetryNumberReader("")
        #expect(throws: TelemetryCommandError.self) { _ = try empty.next("dev_id", in: Int16(0)...Int16.max) }
        #expect(try empty.nextIfPresent("vchan", in: 0...9) == nil)
    }
}

@Suite struct TelemetryRunDirectoryTests {
    private let directory = TelemetryRunDirectory(root: "/run/x")

    @Test func socketsAreWhereDPDKPutsThem() {
        #expect(directory.socketPath(filePrefix: "rte") == "/run/x/dpdk/rte/dpdk_telemetry.v2")
        #expect(directory.socketPath(filePrefix: "rte", instance: 2) == "/run/x/dpdk/rte/dpdk_telemetry.v2:2")
    }

    @Test(arguments: [
        ("dpdk_telemetry.v2", 0), ("dpdk_telemetry.v2:1", 1), ("dpdk_telemetry.v2:12", 12),
        ("dpdk_telemetry.v2:0", nil),
        ("dpdk_telemetry.v2:01", nil), ("dpdk_telemetry.v2:", nil), ("dpdk_telemetry.v2.lock", nil),
        ("dpdk_telemetry.v1", nil), ("dpdk_telemetry.v2:-1", nil), ("dpdk_telemetry.v2:+1", nil), ("", nil),
    ])
    func aSocketNameSaysItsInstance(_ name: String, _ instance: Int?) {
        #expect(TelemetryRunDirectory.instance(ofSocketName: name) == instance)
    }

    @Test(arguments: [
        ("rte", true), ("a b", true), ("", false), (".", false), ("..", false), ("a/b", false), ("a\0", false),
    ])
    func aPrefixMustNameADirectory(_ prefix: String, _ isValid: Bool) {
        #expect(TelemetryRunDirectory.isValid(filePrefix: prefix) == isValid)
    }
}
