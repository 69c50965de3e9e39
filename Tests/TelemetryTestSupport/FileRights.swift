import Glibc

/// Runs `body` with the file rights of another user, on this thread only. Only the superuser can.
public func withFileRights<R>(of user: UInt32, _ body: () throws -> R) rethrows -> R {
    // Glibc's module does not import <sys/fsuid.h>, and seteuid would change the other tests' threads too. Every C library
    // of Linux has the function.
    guard let symbol = dlsym(nil, "setfsuid") else { fatalError("there is no setfsuid") }
    let setfsuid = unsafeBitCast(symbol, to: (@convention(c) (uid_t) -> CInt).self)
    _ = setfsuid(user)
    defer { _ = setfsuid(0) }
    return try body()
}
