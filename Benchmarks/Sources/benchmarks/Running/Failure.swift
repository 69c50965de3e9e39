import Glibc

/// Why a measurement failed.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Throws if a call has returned an errno.
    static func check(_ error: Int32, _ what: String) throws(Failure) {
        guard error == 0 else { throw Failure("\(what): \(String(cString: strerror(error)))") }
    }
}
