import Glibc
import SystemPackage

/// Runs one system call and gives its result or its errno. The only place that knows about EINTR: a call that a signal
/// interrupts is made again, unless `retryOnInterrupt` is false.
///
/// Never for `close`: on Linux the descriptor is gone even when the call says EINTR.
@inlinable
public func systemCall<Value: FixedWidthInteger & SignedInteger>(
    retryOnInterrupt: Bool = true, _ body: () -> Value
) -> Result<Value, Errno> {
    while true {
        let result = body()
        if result >= 0 { return .success(result) }
        // errno before anything else may change it.
        let error = Errno(rawValue: errno)
        if error != .interrupted || !retryOnInterrupt { return .failure(error) }
    }
}

/// Runs one system call that gives -1 and errno, or a value; retries EINTR.
///
/// - Throws: the errno.
@inlinable
@discardableResult
public func tryingSystemCall<Value: FixedWidthInteger & SignedInteger>(_ body: () -> Value) throws(Errno) -> Value {
    try systemCall(body).get()
}
