import Glibc
import SystemPackage

/// Runs one system call and returns its result or its errno. The only place that handles EINTR: an interrupted call is
/// repeated, unless `retryOnInterrupt` is false.
///
/// Do not use it for `close`: on Linux the descriptor is closed even when the call fails with EINTR.
@inlinable
public func systemCall<Value: FixedWidthInteger & SignedInteger>(
    retryOnInterrupt: Bool = true, _ body: () -> Value
) -> Result<Value, Errno> {
    while true {
        let result = body()
        if result >= 0 { return .success(result) }
        // Read errno before another call can change it.
        let error = Errno(rawValue: errno)
        if error != .interrupted || !retryOnInterrupt { return .failure(error) }
    }
}

/// Runs one system call that returns -1 and sets errno, or returns a value; retries EINTR.
///
/// - Throws: the errno.
@inlinable
@discardableResult
public func tryingSystemCall<Value: FixedWidthInteger & SignedInteger>(_ body: () -> Value) throws(Errno) -> Value {
    try systemCall(body).get()
}
