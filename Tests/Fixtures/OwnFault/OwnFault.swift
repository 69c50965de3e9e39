import DMADev
import DMAEngine
import Glibc
import SoftwareDriver

/// A program with a software device that faults by itself: `own-fault HANDLER FAULT ADDRESS`.
///
/// HANDLER is what it had installed before the device came: `information` or `number` for the two kinds of handler,
/// `ignore`, or `none`; or `between`: one that it installs after a first engine came, which passes on to the guard that it
/// found. A handler says so and exits with 7, but the last one just says so. FAULT is `access` or `bus` for an access of its own, or
/// `sent` for a signal. ADDRESS is one that the device fails on before that, so that its guard has been used.
@main
struct OwnFault {
    static func main() throws {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        let arguments = CommandLine.arguments
        var first: Engine?
        if arguments[1] == "between" {
            first = try Engine()
            sigaction(SIGSEGV, nil, &found)
        }
        for number in [SIGSEGV, SIGBUS] { install(arguments[1], number) }
        defer { withExtendedLifetime(first) {} }

        let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine()), named: "dma")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        say("device: \(try fail(at: UInt64(arguments[3]) ?? 0, device.virtualChannel(0)))\n")
        fault(arguments[2])
        say("survived\n")
    }

    static func install(_ handler: String, _ number: Int32) {
        var action = sigaction()
        switch handler {
        case "information":
            action.sa_flags = SA_SIGINFO
            action.__sigaction_handler.sa_sigaction = { number, information, context in
                say(information != nil && context != nil ? "handler with information\n" : "handler without\n")
                _exit(7)
            }
        case "number":
            action.__sigaction_handler.sa_handler = { _ in
                say("handler\n")
                _exit(7)
            }
        case "between":
            action.sa_flags = SA_SIGINFO | Int32(SA_NODEFER)
            action.__sigaction_handler.sa_sigaction = { number, information, context in
                say("passes on\n")
                found.__sigaction_handler.sa_sigaction(number, information, context)
            }
        case "ignore": action.__sigaction_handler.sa_handler = SIG_IGN
        default: return
        }
        sigaction(number, &action, nil)
    }

    /// The status of a copy from an address.
    static func fail(at address: UInt64, _ channel: VirtualChannel) throws -> CompletionStatus {
        var target: UInt64 = 0
        var status = CompletionStatus.unknown
        try withUnsafeMutableBytes(of: &target) { target in
            let destination = UInt64(UInt(bitPattern: target.baseAddress))
            try channel.copy(from: address, to: destination, length: 8, flags: .submit)
            try withUnsafeMutablePointer(to: &status) { status in
                let one = UnsafeMutableBufferPointer(start: status, count: 1)
                while try channel.completedStatus(into: one).count == 0 { sched_yield() }
            }
        }
        return status
    }

    static func fault(_ kind: String) {
        switch kind {
        case "bus":
            guard let file = tmpfile(), ftruncate(fileno(file), 4096) == 0 else { return }
            let mapped = mmap(nil, 4096, PROT_READ, MAP_SHARED, fileno(file), 0)
            ftruncate(fileno(file), 0)
            touch(mapped)
        case "sent": kill(getpid(), SIGSEGV)
        default: touch(mmap(nil, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        }
    }

    static func touch(_ address: UnsafeMutableRawPointer?) {
        guard let address else { return }
        say("\(address.load(as: UInt8.self))")
    }
}

/// The handler that one installed `between` has found. Written before any fault, read by handlers.
nonisolated(unsafe) private var found = sigaction()

private func say(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = write(1, bytes.baseAddress, bytes.count) }
}
