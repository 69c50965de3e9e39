import CommandSupport
import GuestMachine

/// A demonstration in a virtual machine that has dma-bufs: this program again, which writes the same there.
struct DemoGuest {
    /// Runs `dmascope` in a guest and prints what it writes.
    ///
    /// - Parameters:
    ///   - arguments: of characters that have no meaning for a shell.
    ///   - kernel: the path of another kernel than the fetched one.
    static func run(_ arguments: String..., kernel: String?, _ termination: Termination) throws(Failure) {
        let guest: RunningGuest
        do throws(GuestError) {
            let machine = try Guest(GuestParts(kernel: kernel))
            try machine.addOwnProgram(at: "/bin/dmascope")
            let color = StandardStreams.outputTakesColor ? "TERM=linux" : "NO_COLOR=1"
            guest = try machine.start("\(color) /bin/dmascope \(arguments.joined(separator: " "))")
        } catch {
            throw Failure("\(error)")
        }
        if StandardStreams.errorIsTerminal { StandardStreams.show("A virtual machine starts: some seconds.\n") }
        let outcome: RunningGuest.Outcome
        do {
            try print(guest, termination)
            outcome = try guest.outcome()
        } catch {
            throw error as? Failure
                ?? Failure("\(error)", status: (error as? GuestError)?.isTimeout == true ? .timedOut : .failure)
        }
        StandardStreams.show(outcome.errors)
        guard outcome.status == 0 else {
            throw Failure("", status: ExitStatus(rawValue: outcome.status) ?? .failure)
        }
    }

    /// Whole lines, so that no character is divided.
    private static func print(_ guest: RunningGuest, _ termination: Termination) throws {
        var pending: [UInt8] = []
        // A short time, so that a signal is handled soon.
        while let part = try guest.nextOutput(within: 50) {
            if let status = termination.poll() { throw Failure("", status: status) }
            pending += part
            guard let end = pending.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            try StandardStreams.print(String(decoding: pending[...end], as: UTF8.self), terminator: "")
            pending.removeSubrange(...end)
        }
    }
}
