import Foundation
import TestSupport

/// QEMU, Debian's kernel and busybox, as `scripts/fetch-packages guest` has unpacked them.
enum GuestPackages {
    /// The directory that holds the packages' files.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".cache/guest").path

    /// The newest kernel among them; `nil` if there is none.
    static var kernel: String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/boot")) ?? []
        return names.filter { $0.hasPrefix("vmlinuz-") }.sorted().last.map { "\(root)/boot/\($0)" }
    }

    /// The file of a module of that kernel.
    ///
    /// - Parameter path: below `drivers`, without `.ko.xz`.
    static func module(_ path: String) throws -> String {
        let modules = root + "/lib/modules"
        guard let version = try FileManager.default.contentsOfDirectory(atPath: modules).sorted().last else {
            throw TestSupportError("\(modules) is empty: run scripts/fetch-packages guest")
        }
        return "\(modules)/\(version)/kernel/drivers/\(path).ko.xz"
    }

    static let busybox = root + "/bin/busybox"
    static let emulator = root + "/usr/bin/qemu-system-x86_64"

    /// Where the emulator finds its libraries, and the modules that it loads.
    static let environment = [
        "LD_LIBRARY_PATH": "\(root)/usr/lib/x86_64-linux-gnu:\(root)/lib/x86_64-linux-gnu",
        "QEMU_MODULE_DIR": root + "/usr/lib/x86_64-linux-gnu/qemu",
    ]

    /// Where the emulator finds its firmware.
    static let firmware = [root + "/usr/share/qemu", root + "/usr/share/seabios"]
}
