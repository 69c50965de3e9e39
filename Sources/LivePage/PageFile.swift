internal import CLivePage

/// A file of the page. To add one, add it to `Sources/CLivePage`.
public struct PageFile: Sendable {
    /// The path of the URL, for example `/page.css`.
    public let path: String
    /// The value of HTTP's `Content-Type`.
    public let contentType: String
    /// The contents, part of the program.
    public let bytes: [UInt8]

    /// All files. The first is the HTML page.
    public static let all: [PageFile] = {
        var count = 0
        let files = UnsafeBufferPointer(start: clivepage_files(&count), count: count)
        return files.map { file in
            PageFile(
                path: String(cString: file.path), contentType: String(cString: file.type),
                bytes: Array(UnsafeRawBufferPointer(start: file.bytes, count: file.length)))
        }
    }()
}
