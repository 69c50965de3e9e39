import DMADev
import DeviceDrivers
import DMAEngine
import TelemetryWire
import TestSupport
import Testing

@testable import DMATelemetry
@testable import TelemetryServer

/// A controller that nobody has used.
private struct NoController: ReportingController {
    let groupEvents = GroupEventLog()

    func report() -> ControllerReport { ControllerReport(controllerID: 0) }
}

/// The tables of the pages, held against the tables of the code.
@Suite struct TableTests {
    private let device: DMADevice
    private let commands: [TelemetryCommand]

    init() throws {
        let registry = DeviceRegistry()
        device = try DeviceFactory.make([DeviceSpecification("software")], in: registry)[0]
        commands = DeviceCommands.table(for: registry, controller: NoController())
    }

    private let application = Result { try Page("Sources/DMADev/DMADev.docc/WritingApplications.md") }
    private let differences = Result { try Page("Sources/DMADev/DMADev.docc/Differences.md") }

    @Test func capabilities() throws {
        let rows = try application.get().table("bit", "capability", "meaning", "software")
        let expected = Capabilities.table.map { name, capability in
            [
                "\(capability.rawValue.trailingZeroBitCount)", "`\(name)`",
                device.properties.capabilities.contains(capability) ? "yes" : "no",
            ]
        }
        #expect(rows.map { [$0[0], $0[1], $0[3]] } == expected)
        let count = expected.count { $0[2] == "yes" }
        #expect(try difference("capabilities")[2] == "\(count) of \(expected.count) in software")
    }

    @Test func statuses() throws {
        let rows = try application.get().table("code", "status", "meaning")
        #expect(rows.map { $0[0...1] } == CompletionStatus.table.map { ["\($1.rawValue)", "`\($0)`"] })
    }

    @Test func plansOfFaults() throws {
        let rows = try Page("Sources/FaultDriver/FaultDriver.docc/FaultDriver.md").table("key", "value", "what happens")
        #expect(rows.map { unquoted($0[0]) } == FaultPlan.keys.map(\.name))
    }

    @Test(arguments: Page.all) func everyDeviceThatIsSpecifiedIsPossible(page: Page) {
        for word in page.codeWords where word.hasPrefix("--device ") && !word.contains("…") {
            #expect(throws: Never.self, "\(page.name): \(word)") {
                try DeviceSpecification(String(word.dropFirst("--device ".count)))
            }
        }
    }

    /// How pages write a command: `/dmadev/stats,ID[,VCHAN]`.
    private static func written(_ path: String, _ parameters: [TelemetryParameter]) -> String {
        parameters.reduce(path) { text, parameter in
            let name = parameter.name == "dev_id" ? "ID" : parameter.name.replacing("_id", with: "").uppercased()
            return text + (parameter.isOptional ? "[,\(name)]" : ",\(name)")
        }
    }

    @Test func commandsOverDevices() throws {
        let rows = try Page("Sources/DMATelemetry/DMATelemetry.docc/DMATelemetry.md").table("command", "returns")
        #expect(rows.map { unquoted($0[0]) } == commands.map { Self.written($0.path, $0.parameters) })
    }

    @Test func commandsOfTheServer() throws {
        let rows = try Page("Sources/TelemetryServer/TelemetryServer.docc/TelemetryServer.md").table(
            "command", "returns")
        #expect(
            rows.map { unquoted($0[0]) } == CommandTable.ownCommands.map { Self.written($0.path, $0.parameters) })
    }

    @Test(arguments: Page.all) func everyCommandThatIsNamedExists(page: Page) {
        let paths = Set(commands.map(\.path) + CommandTable.ownCommands.map(\.path))
        let prefixes = ["/dmadev/", "/controller/", "/telemetry/", "/trace/"]
        for word in page.codeWords where prefixes.contains(where: word.hasPrefix) {
            let path = word.prefix { $0 != "," && $0 != "[" }
            #expect(paths.contains(String(path)) || path == "/telemetry/…", "\(page.name): \(word)")
        }
    }

    /// The cells of a row of the table of differences.
    private func difference(_ what: String) throws -> [String] {
        let rows = try differences.get().table("what", "DPDK", "dmascope", "why")
        return try #require(rows.first { $0[0] == what }, "no row \(what)")
    }

    @Test func whatIsAddedToDPDKsTelemetry() throws {
        let shared: Set = [
            "/", "/info", "/help", "/dmadev/list", "/dmadev/info", "/dmadev/stats", "/dmadev/dump",
            "/ethdev/list", "/eal/lcore/list",
        ]
        let added = (commands.map(\.path) + CommandTable.ownCommands.map(\.path)).filter { !shared.contains($0) }
        #expect(try difference("more commands")[2] == added.map { "`\($0)`" }.joined(separator: ", "))

        let info = try #require(commands.first { $0.path == "/dmadev/info" })
        let keys = try info.handler(TelemetryRequest("/dmadev/info,0")).tree.keys
        let ours = keys.drop { $0 != "capabilities" }.dropFirst()
        let named = try difference("`/dmadev/info`")[2].matches(of: #/`([a-z_]+)`/#).map { String($0.1) }
        #expect(named == Array(ours))
        #expect(
            try difference("`max_output_len`")[2] == "\(TelemetryServer.maximumOutputLength)")
        #expect(
            try difference("clients at a time")[2].hasPrefix(
                "\(TelemetryServer.Configuration().maximumClients) unless configured"))
    }

    @Test func everyRowOfTheDifferencesIsWhole() throws {
        for row in try differences.get().table("what", "DPDK", "dmascope", "why") {
            #expect(row.count == 4, "\(row)")
            let isTitle = row[0].hasPrefix("**")
            #expect(isTitle == (row.dropFirst().allSatisfy { $0.isEmpty }), "\(row)")
        }
    }
}
