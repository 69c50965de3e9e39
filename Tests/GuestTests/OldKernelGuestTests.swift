import Foundation
import GuestMachine
import GuestTestSupport
import TestSupport
import Testing

/// The controller and its groups on Linux 6.1, the oldest kernel that they support: tests of this very program, in a guest
/// with Debian 12's own kernel.
@Suite(.serialized, .enabled(if: Guest.unavailable == nil, "\(Guest.unavailable ?? "")"))
struct OldKernelGuestTests {
    /// What runs there, by module. QEMU translates the instructions, so the suites are left out that take minutes then
    /// because they repeat something many times: kills (`KillLoopTests`, `ControllerDeviceTests`), operations
    /// (`RevocationTests`, `HostileRingTests`, `RewrittenRingTests`), other steps (`RandomTableTests`, `GroupPictureTests`,
    /// `GroupQuotaTests`, `EventQuotaTests`, `TenantTests`, `HostileGuestTests`, `LingeringDescriptorTests`), and all of
    /// the conformance kit. `AttachedBufferTests` waits for time limits. `BufferPagesTests` needs memory for huge pages, and
    /// `CgroupTenantTests` a cgroup file system. `OlderKernelTests` imitates such a kernel on a newer one; two of its tests
    /// need Linux 6.5 (SO_PEERPIDFD).
    private static let suites = [
        "GroupTableTests": [
            "ComingTests", "HandlerTests", "LeavingTests", "RecordingTests", "SecretTests", "SharedNumbersTests",
            "WindowTests",
        ],
        "DMAControllerTests": [
            "ControlSocketTests", "ControllerLogTests", "DMABufferTests", "GroupEventTests", "GuestGroupTests",
            "OSDomainTests", "ProcessTableTests", "TenantMemoryTests", "TrafficTests",
            "UntrustedPeerTests", "WorkQueueTests",
        ],
        "ControllerDriverTests": [
            "ControllerFaultTests", "ControllerGroupTests", "GroupProcessTests", "HandshakeTests",
            "LostControllerTests",
            "RegionProcessTests", "TwoUsersTests", "WindowAttachmentTests",
        ],
    ]
    /// Of these, tests that repeat something many times.
    private static let skipped = ["theRightTokenIsAnswered", "thousandsComeAndGo"]

    /// The programs that these tests start.
    private static let programs = [
        "controller-host", "controller-application", "controller-member", "tenant-attack", "memory-peer",
        "refuse-calls",
    ]

    @Test func `the controller and groups pass their tests on Linux 6_1`() throws {
        let kernel = try #require(try Guest.kernels.first { $0.contains("/vmlinuz-6.1.") })
        let guest = try Guest(kernel: kernel)
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        for program in try [bundle] + Self.programs.map(builtProduct) { try guest.add(program: program) }
        let suites = Self.suites.map { "\($0)\\.(\($1.joined(separator: "|")))" }.joined(separator: "|")
        let running = try guest.start(
            """
            echo "kernel $(uname -r)"
            export LTTNG_UST_REGISTER_TIMEOUT=0
            \(bundle) --testing-library swift-testing --no-parallel --filter '^(\(suites))/' \\
                --skip '\(Self.skipped.joined(separator: "|"))' 2>&1
            """, timeout: .seconds(400))
        var output = ""
        while let part = try running.nextOutput(within: .max) { output += String(decoding: part, as: UTF8.self) }
        let outcome = try running.outcome()
        #expect(outcome.status == 0 && output.hasPrefix("kernel 6.1."), "\(output)\n\(outcome.errors)")
        // Each name above is that of a suite.
        let suitesRun = output.matches(of: #/Suite [A-Za-z]+ passed after/#).count
        #expect(suitesRun == Self.suites.values.reduce(0) { $0 + $1.count }, "\(output)")
    }
}
