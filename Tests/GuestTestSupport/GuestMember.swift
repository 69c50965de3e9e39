public import GuestMachine
public import TestSupport

/// A `controller-member` in a guest: a process with a device of the host's controller, which does what a test tells it.
/// LTTng records it.
///
/// `dmascope serve` is the broker there. For the thread that has made it.
public final class GuestMember {
    private let guest: RunningGuest
    private var pending: [UInt8] = []

    /// Boots a guest. Several can boot at a time: see ``waitUntilReady()``.
    ///
    /// - Parameters:
    ///   - share: what the guest shares with this machine.
    ///   - options: those of `dmascope serve` in the guest.
    public init(_ share: Guest.Share, serve options: String) throws {
        let (scope, member) = (try builtProduct("dmascope"), try builtProduct("controller-member"))
        let machine = try Guest()
        machine.share = share
        for path in [scope, member] { try machine.add(program: path) }
        try machine.addTracer()
        guest = try machine.start(Self.script(scope, member, options))
    }

    /// Waits until the member has its device.
    public func waitUntilReady() throws {
        let first = try line()
        guard first == "ready" else { throw TestSupportError("a member in a guest says: \(first)") }
    }

    /// The filter is on the name of the thread, which has 15 bytes at most. At `end`, the member still runs, and its process
    /// ends with the guest.
    private static func script(_ scope: String, _ member: String, _ options: String) -> String {
        """
        export LTTNG_UST_REGISTER_TIMEOUT=0
        lttng-sessiond --no-kernel --daemonize >/tmp/log 2>&1 || { cat /tmp/log; exit 2; }
        {
            lttng create flow --output=/out && lttng enable-event --userspace 'dmadev*' \\
                --filter='$ctx.procname == "controller-memb"' && lttng start
        } >/tmp/log 2>&1 || { cat /tmp/log; exit 3; }
        \(scope) serve --listen off --log-level info \(options) >/tmp/serve 2>&1 &
        until grep -q 'connected to the host' /tmp/serve; do
            sleep 0.1
            kill -0 $! || { cat /tmp/serve; exit 4; }
        done
        mkfifo /tmp/input
        sleep 1000 >/tmp/input &
        LTTNG_UST_REGISTER_TIMEOUT=-1 \(member) /var/run/dmascope/dmascope.control </tmp/input &
        exec 3>/tmp/input
        while read -r line && [ "$line" != end ]; do echo "$line" >&3; done </dev/vport0p3
        lttng destroy >/tmp/log 2>&1 || { cat /tmp/log >&2; exit 5; }
        """
    }

    /// Sends a command and waits for its answer.
    public func ask(_ command: String) throws -> String {
        try guest.write(command + "\n")
        return try line()
    }

    /// Ends the guest, without a word to the host, and reads what was recorded of the member.
    public func end() throws -> Trace {
        try guest.write("end\n")
        let outcome = try guest.outcome()
        guard outcome.status == 0 else { throw TestSupportError("a guest: \(outcome)") }
        let files = try outcome.unpacked()
        return try withExtendedLifetime(files) { try Trace(in: [files.file("ust")]) }
    }

    private func line() throws -> String {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending.removeSubrange(...end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            guard let part = try guest.nextOutput(within: .max) else {
                throw TestSupportError(
                    "a guest has ended: \(String(decoding: pending, as: UTF8.self)) \(try guest.outcome())")
            }
            pending += part
        }
    }
}
