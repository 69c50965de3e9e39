import Foundation
public import GuestMachine
public import TestSupport

extension Guest {
    /// Why there can be no guest on this machine; `nil` if there can. For the conditions of tests.
    public static let unavailable: String? = {
        do {
            _ = try GuestParts()
            return nil
        } catch {
            return "\(error)"
        }
    }()

    /// A guest of what `scripts/fetch-packages guest` has unpacked.
    ///
    /// - Parameter kernel: another kernel than the newest of them.
    public convenience init(kernel: String? = nil) throws {
        try self.init(GuestParts(kernel: kernel))
    }

    /// The kernels among them.
    public static var kernels: [String] {
        get throws {
            let directory = URL(fileURLWithPath: try GuestParts().kernel).deletingLastPathComponent().path
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            return names.filter { $0.hasPrefix("vmlinuz-") }.map { "\(directory)/\($0)" }
        }
    }

    /// Adds the session daemon of LTTng and what it starts, and what a traced program loads.
    public func addTracer() throws {
        let libraries = "/usr/lib/x86_64-linux-gnu"
        for program in [
            try requiredTool("lttng", package: "lttng-tools"),
            try requiredTool("lttng-sessiond", package: "lttng-tools"), libraries + "/lttng/libexec/lttng-consumerd",
            libraries + "/liblttng-ust.so.1", libraries + "/liblttng-ust-tracepoint.so.1",
            try builtProduct("libdmascope-trace.so"),
        ] {
            try add(program: program)
        }
        // Without it the daemon does not start.
        try add(file: "/usr/share/xml/lttng/session.xsd")
    }

    /// Adds modules of the kernel as `/modules/NAME.ko.xz`.
    ///
    /// - Parameter paths: below `drivers`, without `.ko.xz`.
    public func add(modules paths: [String]) throws {
        let kernel = URL(fileURLWithPath: parts.kernel)
        let release = kernel.lastPathComponent.dropFirst("vmlinuz-".count)
        let modules = kernel.deletingLastPathComponent().deletingLastPathComponent().path + "/lib/modules/\(release)"
        for path in paths {
            let file = "\(modules)/kernel/drivers/\(path).ko.xz"
            try add(file: file, at: "/modules/" + URL(fileURLWithPath: file).lastPathComponent)
        }
    }

    /// Boots the guest, runs a script in it, and ends it.
    ///
    /// - Returns: its output, all that it left, and the files of `/out`.
    public func run(_ script: String) throws -> (output: String, outcome: RunningGuest.Outcome, TemporaryDirectory) {
        let guest = try start(script)
        var output = Data()
        while let part = try guest.nextOutput(within: .max) { output.append(contentsOf: part) }
        let outcome = try guest.outcome()
        return (String(decoding: output, as: UTF8.self), outcome, try outcome.unpacked())
    }
}

extension RunningGuest.Outcome {
    /// The files of `/out`.
    func unpacked() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let archive = directory.file("files.tar")
        try Data(files).write(to: URL(fileURLWithPath: archive))
        try outputOfProgram("/bin/tar", ["-x", "-f", archive, "-C", directory.path])
        unlink(archive)
        return directory
    }
}
