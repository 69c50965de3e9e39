import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct DescriptorExhaustionTests {
    @Test func aServerWithoutDescriptorsTurnsClientsAwayAndServesTheOthers() throws {
        let directory = try TemporaryDirectory()
        let child = try RunningProgram(builtProduct("TelemetryTestServer"), [directory.path, "t", "24"])
        let path = try child.nextLine()
        var served: [RawClient] = []
        var refused = 0
        for _ in 0..<100 {
            let client = try RawClient(path)
            switch client.receive() {
            case .text: served.append(client)
            case .closed: refused += 1
            case .nothing: Issue.record("a client was neither served nor turned away")
            }
        }
        #expect((10..<24).contains(served.count))
        #expect(refused == 100 - served.count)
        for client in served { #expect(client.ask("/constant") == #"{"/constant":1}"#) }
        #expect(served[0].value("/telemetry/stats")?["refusals"]?.integer == Int64(refused))
        // With a place free again, new clients are welcome.
        served.removeLast(3)
        let welcome = (0..<1000).contains { _ in (try? RawClient.greeted(path)) != nil }
        #expect(welcome)
        child.closeInput()
        #expect(try child.wait().exit == .exited(0))
        #expect(try directory.contents == [])
    }
}
