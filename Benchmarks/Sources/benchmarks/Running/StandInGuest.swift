import CPeers
import Foundation

/// A process that stands in for a guest: `dmascope serve --broker` on a region in shared memory and a byte stream. Threads
/// of this process pass the bytes of the stream, as QEMU does.
final class StandInGuest {
    /// The options of the host's `dmascope serve`.
    let hostOptions: [String]
    /// The path of the control socket for the guest's processes.
    let controlPath: String
    private let setting: Setting
    private let region: String
    private let port: String
    private var broker: ServerProcess?

    /// Prepares the region and the stream.
    init(_ setting: Setting) throws(Failure) {
        self.setting = setting
        region = "/dev/shm/dmascope-bench-\(getpid())"
        port = "\(setting.directory)/port"
        controlPath = "\(setting.directory)/dmascope/guest.control"
        let channel = "\(setting.directory)/channel"
        hostOptions = ["--os-domain", "name=guest,memory=\(region),channel=\(channel)"]
        let file = open(region, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try Failure.check(file < 0 || ftruncate(file, 256 << 20) < 0 ? errno : 0, region)
        close(file)
        try Failure.check(cpeers_relay(channel, port), "the stream of the guest")
    }

    /// Starts the broker, when the host serves, and waits for their session.
    func start() throws(Failure) {
        broker = try ServerProcess.dmascope(
            setting, filePrefix: "guest", ["--broker", "memory=\(region),channel=\(port)", "--listen", "off"])
        // The guest announces this socket in the session.
        let announced = "\(setting.directory)/dmascope/domains/guest/dpdk/guest/dpdk_telemetry.v2"
        for _ in 0..<1000 where access(announced, F_OK) != 0 { usleep(10_000) }
        try Failure.check(access(announced, F_OK) == 0 ? 0 : ETIMEDOUT, "the session of the guest and the host")
    }

    /// Ends the broker and removes the region.
    func end() {
        broker?.end()
        unlink(region)
    }
}
