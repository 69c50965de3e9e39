import TelemetryClient
import TelemetryWire
import Testing

/// The names of sources.
@Suite struct TelemetrySourceTests {
    @Test(
        arguments: [
            ("/var/run/dpdk/app/dpdk_telemetry.v2", "/var/run/dpdk", "app", 0, "/var/run/dpdk/app"),
            ("/var/run/dpdk//./app/dpdk_telemetry.v2:12", "/var/run/dpdk", "app", 12, "/var/run/dpdk/app:12"),
            ("/proc/7/root/c/dpdk_telemetry.v2", "/proc/7/root", "c", 0, "/proc/7/root/c"),
            ("run/app/dpdk_telemetry.v2:1", "run", "app", 1, "run/app:1"),
            ("/app/dpdk_telemetry.v2", "/", "app", 0, "/app"),
            ("/tmp/x/other.sock", "/tmp/x", "other.sock", nil, "/tmp/x/other.sock"),
            ("/tmp/x/dpdk_telemetry.v2:01", "/tmp/x", "dpdk_telemetry.v2:01", nil, "/tmp/x/dpdk_telemetry.v2:01"),
            ("socket", ".", "socket", nil, "./socket"),
        ] as [(String, String, String, Int?, String)])
    func aPathGivesTheName(path: String, runDirectory: String, prefix: String, instance: Int?, text: String) {
        let source = TelemetrySource(path: path)
        #expect(source == TelemetrySource(runDirectory: runDirectory, prefix: prefix, instance: instance))
        #expect(source.description == text)
        // The name gives the path again.
        #expect(TelemetrySource(path: source.path) == source)
    }

    @Test func theRunDirectoryOfAGuestHasItsName() {
        let guest = TelemetryRunDirectory(root: "/run/user/7").domain("vm1")
        let source = TelemetrySource(path: guest.socketPath(filePrefix: "app"))
        #expect(source.runDirectory == "/run/user/7/dmascope/domains/vm1/dpdk")
        #expect(source.prefix == "app" && source.domain == "vm1")
        for path in ["/run/dpdk/app", "/dmascope/domains/dpdk/app", "/run/domains/vm1/dpdk/app", "/domains/vm1/app"] {
            #expect(TelemetrySource(path: path + "/dpdk_telemetry.v2").domain == nil, "\(path)")
        }
    }

    @Test func aSelectorChoosesAllThatMatch() {
        let sources = [
            "/run/a/dpdk/app/dpdk_telemetry.v2", "/run/a/dpdk/app/dpdk_telemetry.v2:1",
            "/run/b/dpdk/app/dpdk_telemetry.v2", "/run/b/dpdk/other/dpdk_telemetry.v2", "/run/odd",
            "/run/dmascope/domains/vm1/dpdk/worker/dpdk_telemetry.v2:1",
        ].map(TelemetrySource.init(path:))
        func selected(_ text: String) -> [Int] {
            sources.indices.filter { TelemetrySourceSelector(text).includes(sources[$0]) }
        }
        #expect(selected("app") == [0, 1, 2])
        #expect(selected("app:0") == [0, 2] && selected("app:1") == [1])
        #expect(selected("/run/a/dpdk/app") == [0, 1])
        #expect(selected("/run/a/dpdk/app:1") == [1])
        #expect(selected("/run/b/dpdk/other/dpdk_telemetry.v2") == [3])
        #expect(selected("/run/odd") == [4] && selected("odd") == [4])
        #expect(selected("vm1/worker") == [5] && selected("vm1/worker:1") == [5] && selected("worker") == [5])
        #expect(selected("vm2/worker") == [] && selected("vm1/worker:0") == [] && selected("vm1") == [])
        #expect(selected("ap") == [] && selected("app:2") == [] && selected("") == [])
    }

    @Test func whatCannotBeReadIsSelectedWhereItMayHoldTheSource() {
        let prefix = TelemetrySource(runDirectory: "/run/dpdk", prefix: "app", instance: nil)
        let directory = TelemetrySource(runDirectory: "/run/dpdk", prefix: "", instance: nil)
        for text in ["app", "app:3", "/run/dpdk/app", "/run/dpdk/app:3"] {
            #expect(TelemetrySourceSelector(text).includes(prefix), "\(text)")
            #expect(TelemetrySourceSelector(text).includes(directory), "\(text)")
        }
        #expect(!TelemetrySourceSelector("other").includes(prefix))
        #expect(TelemetrySourceSelector("other").includes(directory))
        #expect(!TelemetrySourceSelector("/tmp/dpdk/app").includes(directory))
    }
}
