import Glibc

/// The name and the sentence of an errno: `EACCES: Permission denied`.
enum ErrorName {
    /// The name; `nil` for a number that no call of dmascope returns.
    static func name(_ error: Int) -> String? { names[Int32(clamping: error)] }

    /// The name, if it is known, and the sentence.
    static func text(_ error: Int) -> String {
        let sentence = String(cString: strerror(Int32(clamping: error)))
        return name(error).map { "\($0): \(sentence)" } ?? sentence
    }

    private static let names: [Int32: String] = [
        EPERM: "EPERM", ENOENT: "ENOENT", ESRCH: "ESRCH", EINTR: "EINTR", EIO: "EIO", ENXIO: "ENXIO", EBADF: "EBADF",
        EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", EFAULT: "EFAULT", EBUSY: "EBUSY", EEXIST: "EEXIST",
        ENODEV: "ENODEV", ENOTDIR: "ENOTDIR", EINVAL: "EINVAL", ENFILE: "ENFILE", EMFILE: "EMFILE", EFBIG: "EFBIG",
        ENOSPC: "ENOSPC", EPIPE: "EPIPE", EDOM: "EDOM", ERANGE: "ERANGE", ENAMETOOLONG: "ENAMETOOLONG",
        ENOSYS: "ENOSYS", ENODATA: "ENODATA", EPROTO: "EPROTO", EBADMSG: "EBADMSG", EOVERFLOW: "EOVERFLOW",
        EMSGSIZE: "EMSGSIZE", EOPNOTSUPP: "EOPNOTSUPP", EADDRINUSE: "EADDRINUSE", ECONNREFUSED: "ECONNREFUSED",
        ECONNRESET: "ECONNRESET", ENOBUFS: "ENOBUFS", ENOTCONN: "ENOTCONN", ETIMEDOUT: "ETIMEDOUT",
        EALREADY: "EALREADY", ESTALE: "ESTALE", EDQUOT: "EDQUOT", ECANCELED: "ECANCELED", EOWNERDEAD: "EOWNERDEAD",
    ]
}
