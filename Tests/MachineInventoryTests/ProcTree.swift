import Foundation
import TestSupport

@testable import MachineInventory

/// Copies of the kernel's files, which a test changes.
struct ProcTree {
    let directory: TemporaryDirectory

    /// The files of processes in a guest: see `DMABufferGuestTests`, which captures them.
    static let captured = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/GuestProc")

    /// An empty tree, or one with the captured files.
    init(captured: Bool = false) throws {
        directory = try TemporaryDirectory()
        guard captured else { return }
        for name in ["proc", "sys"] {
            try FileManager.default.copyItem(
                atPath: Self.captured.appendingPathComponent(name).path, toPath: directory.file(name))
        }
    }

    var roots: DMABufferInventory.Roots {
        DMABufferInventory.Roots(proc: directory.file("proc"), sys: directory.file("sys"))
    }

    /// Writes a file, and makes the directories that contain it.
    func write(_ text: String, to path: String) throws {
        let url = URL(fileURLWithPath: directory.file(path))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// Adds a process without descriptors and mappings.
    func addProcess(_ processID: Int32, name: String = "app") throws {
        try write(name + "\n", to: "proc/\(processID)/comm")
        try write("", to: "proc/\(processID)/maps")
        for folder in ["fd", "fdinfo"] {
            try FileManager.default.createDirectory(
                atPath: directory.file("proc/\(processID)/\(folder)"), withIntermediateDirectories: true)
        }
    }

    /// Adds a descriptor of a dma-buf, as Linux 6.12 shows it.
    func addDescriptor(
        _ number: Int, to processID: Int32, target: String = "/dmabuf:", information: String
    ) throws {
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("proc/\(processID)/fd/\(number)"), withDestinationPath: target)
        try write(information, to: "proc/\(processID)/fdinfo/\(number)")
    }

    /// What `fdinfo` has of a dma-buf.
    static func information(inode: UInt64, exporter: String = "udmabuf", size: UInt64 = 4096, name: String? = nil)
        -> String
    {
        "pos:\t0\nflags:\t02000002\nmnt_id:\t9\nino:\t\(inode)\nsize:\t\(size)\ncount:\t1\nexp_name:\t\(exporter)\n"
            + (name.map { "name:\t\($0)\n" } ?? "")
    }
}
