internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The files that a guest is made of.
public struct GuestParts: Sendable {
    /// QEMU's program for guests of x86-64.
    public let emulator: String
    /// The kernel, as Debian has it in `/boot/vmlinuz-…`, with its serial ports built in.
    public let kernel: String
    /// Busybox.
    public let shell: String
    /// The directory that packages were unpacked in; `nil`: they are installed.
    let packages: String?

    /// Finds the files: each among those that `scripts/fetch-packages guest` has unpacked, if this program is in the
    /// `.build` of a checkout; else, the programs in PATH.
    ///
    /// - Parameter kernel: the path of another kernel.
    /// - Throws: ``GuestError`` that says what to install or to run.
    public init(kernel: String? = nil) throws(GuestError) {
        #if !arch(x86_64)
            throw GuestError("guests are of x86-64 only: run it on such a machine")
        #endif
        let packages = Self.fetchedPackages
        let names = packages.flatMap { try? ProcFile.names(in: $0 + "/boot") } ?? []
        // Kernels for clouds have neither the modules nor the buffers that guests are for.
        let newest = names.filter { $0.hasPrefix("vmlinuz-") && !$0.hasSuffix("-cloud-amd64") }.max()
            .map { "\(packages ?? "")/boot/\($0)" }
        guard let found = kernel ?? newest else {
            throw GuestError(
                "there is no kernel for a virtual machine: run scripts/fetch-packages guest in a checkout, or name one "
                    + "with udmabuf (--kernel), for example that of Debian's package linux-image-6.12-amd64")
        }
        guard access(found, R_OK) == 0 else {
            throw GuestError("the kernel '\(found)' cannot be read: \(Errno(rawValue: errno)): choose another one")
        }
        self.kernel = found
        self.packages = packages
        emulator = try Self.program("qemu-system-x86_64", in: packages.map { $0 + "/usr/bin" }, of: "qemu-system-x86")
        shell = try Self.program("busybox", in: packages.map { $0 + "/bin" }, of: "busybox-static")
    }

    /// The environment in which an emulator of unpacked packages finds its libraries and modules.
    var environment: [String] {
        packages.map { packages in
            let libraries = packages + "/usr/lib/x86_64-linux-gnu"
            return [
                "LD_LIBRARY_PATH=\(libraries):\(packages)/lib/x86_64-linux-gnu", "QEMU_MODULE_DIR=\(libraries)/qemu",
            ]
        } ?? []
    }

    /// The arguments by which it finds its firmware.
    var firmware: [String] {
        packages.map { ["-L", $0 + "/usr/share/qemu", "-L", $0 + "/usr/share/seabios"] } ?? []
    }

    /// Where `scripts/fetch-packages guest` has unpacked the packages, if it has, and this program was built in a
    /// checkout.
    private static var fetchedPackages: String? {
        let names = ProgramFile.ownPath.split(separator: "/", omittingEmptySubsequences: false)
        guard let place = names.lastIndex(of: ".build") else { return nil }
        let packages = names[..<place].joined(separator: "/") + "/.cache/guest"
        return access(packages + "/usr/bin/qemu-system-x86_64", X_OK) == 0 ? packages : nil
    }

    private static func program(
        _ name: String, in directory: String?, of package: String
    ) throws(GuestError) -> String {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let directories = [directory].compactMap { $0 } + path.split(separator: ":").map(String.init)
        guard let found = directories.first(where: { access("\($0)/\(name)", X_OK) == 0 }) else {
            throw GuestError("there is no \(name) for a virtual machine: apt-get install \(package)")
        }
        return "\(found)/\(name)"
    }
}
