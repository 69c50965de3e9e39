import Foundation
import TestSupport

/// The files of a guest, as the kernel unpacks them at boot: a cpio archive in the format "newc".
struct RootArchive {
    private(set) var bytes = Data()
    private var paths: Set<String> = ["/"]

    /// Adds an empty directory, and those that contain it.
    mutating func addDirectory(_ path: String) {
        guard !paths.contains(path) else { return }
        addDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        append(path, mode: 0o040755, Data())
    }

    /// Adds a file, unless the path is there; the first one counts.
    mutating func add(_ content: Data, at path: String, isExecutable: Bool = false) {
        guard !paths.contains(path) else { return }
        addDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        append(path, mode: isExecutable ? 0o100755 : 0o100644, content)
    }

    /// Adds a file of this machine, under the same path if no other is given. Of a symbolic link, it adds what the link
    /// points to.
    mutating func add(file: String, at path: String? = nil) throws {
        guard !paths.contains(path ?? file) else { return }
        guard let content = FileManager.default.contents(atPath: file) else {
            throw TestSupportError("\(file) cannot be read")
        }
        add(content, at: path ?? file, isExecutable: access(file, X_OK) == 0)
    }

    /// The whole archive.
    consuming func finished() -> Data {
        append("/TRAILER!!!", mode: 0, Data())
        return bytes
    }

    private mutating func append(_ path: String, mode: Int, _ content: Data) {
        paths.insert(path)
        let name = Array(path.utf8.dropFirst()) + [0]
        let fields = [
            paths.count, mode, 0, 0, 1, 0, content.count, 0, 0, 0, 0, name.count, 0,
        ]
        bytes.append(Data("070701".utf8))
        for field in fields { bytes.append(Data(Self.hexadecimal(field).utf8)) }
        bytes.append(contentsOf: name)
        pad()
        bytes.append(content)
        pad()
    }

    private mutating func pad() {
        bytes.append(Data(count: -bytes.count & 3))
    }

    private static func hexadecimal(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
