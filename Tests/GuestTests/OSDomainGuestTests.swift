import DMAController
import DMADev
import Foundation
import GuestMachine
import GuestTestSupport
import LinuxSystem
import Logging
import TelemetryWire
import TestSupport
import Testing

/// Two operating systems: a controller and an application here, `dmascope serve` and an application in a guest, one group.
@Suite(.serialized, .enabled(if: Guest.unavailable == nil, "\(Guest.unavailable ?? "")"))
struct OSDomainGuestTests {
    private static let byteCount = 16 << 20

    /// The controller with its guest's memory and channel.
    private final class Host {
        let directory: TemporaryDirectory
        let share: Guest.Share
        let controller: DMAController
        let bridge: DomainBridge

        init() throws {
            directory = try TemporaryDirectory()
            let memory = "/dev/shm/dmascope-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            guard FileManager.default.createFile(atPath: memory, contents: nil), truncate(memory, byteCount) == 0 else {
                throw TestSupportError("\(memory): \(errno)")
            }
            share = Guest.Share(memory: memory, byteCount: byteCount, channel: directory.file("channel"))
            let domain = OSDomain(name: "guest", memory: memory)
            var configuration = ControllerConfiguration()
            configuration.osDomains = [domain]
            controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
            let logger = Logger(label: "bridge") { _ in SwiftLogNoOpLogHandler() }
            bridge = try DomainBridge(domain: domain, channel: share.channel, controller: controller, logger: logger)
        }

        deinit {
            bridge.stop()
            controller.stop()
            unlink(share.memory)
        }
    }

    /// The lines that a guest writes.
    private final class Lines {
        private let guest: RunningGuest
        private var pending: [UInt8] = []

        init(_ guest: RunningGuest) {
            self.guest = guest
        }

        func next() throws -> String {
            while true {
                if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                    defer { pending.removeSubrange(...end) }
                    return String(decoding: pending[..<end], as: UTF8.self)
                }
                guard let part = try guest.nextOutput(within: .max) else {
                    throw TestSupportError("the guest has ended: \(try guest.outcome())")
                }
                pending += part
            }
        }
    }

    /// The application in the guest. What it says in order: see the test.
    private static func script(_ scope: String, _ member: String, group: Int, token: Token, window: UInt64) -> String {
        """
        \(scope) serve --listen off --log-level info >/tmp/serve 2>&1 &
        mkfifo /tmp/in /tmp/out
        until grep -q 'connected to the host' /tmp/serve; do
            sleep 0.1
            kill -0 $! || { cat /tmp/serve; exit 2; }
        done
        \(member) /var/run/dmascope/dmascope.control </tmp/in >/tmp/out &
        exec 3>/tmp/in 4</tmp/out
        read -r line <&4
        echo "member $line"
        ask() {
            echo "$*" >&3
            read -r line <&4
            echo "$line"
        }
        echo "joined $(ask join \(group) \(token.hex))"
        handler=$(ask windows \(group) | cut -d: -f1)
        own=$(ask own)
        ask put 0 65536 42 >/dev/null
        echo "to host $(ask copy $own \(window) 65536 0 $handler)"
        echo "from host $(ask copy \(window + 65536) $own 65536 $handler 0) $(ask holds 0 65536 77)"
        echo "window $(ask window \(group) 3 32 8)"
        until [ "$(ask holds 131072 32768 99)" = yes ]; do sleep 0.1; done
        ask put 131072 32768 55 >/dev/null
        echo "answered"
        sleep 100
        """
    }

    @Test func `host and guest copy in one group, in both directions, until the guest is killed`() throws {
        let host = try Host()
        let creator = try MemberProcess(host.controller.path)
        let token = Token()
        let made = try creator.create(token)
        let target: UInt64 = try creator.number("window \(made.group) 3 0 64")
        _ = try creator.ask("put 65536 65536 77")

        let (scope, member) = (try builtProduct("dmascope"), try builtProduct("controller-member"))
        let machine = try Guest()
        machine.share = host.share
        for path in [scope, member] { try machine.add(program: path) }
        var guest: RunningGuest? = try machine.start(
            Self.script(scope, member, group: made.group, token: token, window: target))
        var lines: Lines? = guest.map(Lines.init)
        func next() throws -> String { try lines?.next() ?? "" }

        #expect(try next() == "member ready")
        let joined = try next().split(separator: " ").last.flatMap { UInt16($0) }
        let handler = try #require(joined)
        try eventually("the host's application hears it") {
            try creator.events.contains("joined:\(made.group):\(handler)")
        }
        #expect(host.controller.report().connections.count == 2)
        #expect(try next() == "to host successful")
        #expect(try creator.ask("holds 0 65536 42") == "yes")
        #expect(try next() == "from host successful yes")
        // Now the host's application writes to the guest, and reads from it.
        let words = try next().split(separator: " ")
        let window = try #require(words.last.flatMap { UInt64($0) })
        let own: UInt64 = try creator.number("own")
        _ = try creator.ask("put 0 32768 99")
        #expect(try creator.ask("copy \(own) \(window) 32768 0 \(handler)") == "successful")
        #expect(try next() == "answered")
        #expect(try creator.ask("copy \(window) \(own + 131072) 32768 \(handler) 0") == "successful")
        #expect(try creator.ask("holds 131072 32768 55") == "yes")

        lines = nil
        guest = nil
        try eventually("the host's application hears that the guest is gone") {
            try creator.events.contains("left:\(made.group):\(handler)")
        }
        try eventually("nothing of it stays") { host.controller.statistics.connections == 1 }
        #expect(try creator.ask("copy \(own) \(window) 32768 0 \(handler)") != "successful")
    }

    @Test func `the demonstration moves a file through two guests and back`() throws {
        let result = try runProgram(
            builtProduct("dmascope"), ["demo", "os", "--size", "300K", "--json"], timeout: .seconds(150))
        #expect(result.exit == .exited(0), "\(result)")
        let steps = try #require(try JSONValue(parsing: result.output).tree["steps"]).elements
        #expect(
            steps.map { $0["step"]?.string } == ["start", "to_first", "to_second", "to_host", "compare", "kill", "end"])
        #expect(steps[4]["verified"] == .bool(true))
        #expect(steps[5]["second_guest"] == .string("left") && steps[5]["status"] == .string("user_abort"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").allSatisfy {
                !$0.hasPrefix("dmascope-demo-")
            })
    }
}
