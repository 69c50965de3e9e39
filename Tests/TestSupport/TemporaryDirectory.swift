import Foundation

/// A directory of one test, removed with everything in it when the last reference goes.
public final class TemporaryDirectory: Sendable {
    /// Absolute path, short enough to hold Unix sockets.
    public let path: String

    /// Makes an empty directory of mode 0700.
    public init() throws {
        var template = Array("/tmp/dmascope-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestSupportError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // not empty, see above
    }

    /// The path of `name` in the directory.
    public func file(_ name: String) -> String { path + "/" + name }

    /// The names of all that is in the directory and below, with their way from here; links are not followed.
    public var contents: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: path).sorted() }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What keeps a test from doing its work, in a sentence.
public struct TestSupportError: Error, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) { self.description = description }
}
