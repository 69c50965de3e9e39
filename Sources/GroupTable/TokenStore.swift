internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The tokens of one table: all of them in one mapping of its own, each until its last reference goes.
final class TokenStore: Sendable {
    private let memory: SecretMemory
    /// What a token is compared with where there is none: bytes that nobody knows.
    private let absent: AccessToken

    /// - Parameter capacity: tokens that are kept at a time.
    init(capacity: Int) throws(Errno) {
        memory = try SecretMemory(capacity: capacity + 1, secretByteCount: AccessToken.byteCount)
        // The memory is empty.
        guard let absent = memory.keep(.random(byteCount: AccessToken.byteCount)) else { throw .noMemory }
        self.absent = AccessToken(absent)
    }

    /// Keeps a copy of a token; `nil` when there is no room.
    func keep(_ token: AccessToken) -> AccessToken? { memory.keep(token.secret).map(AccessToken.init) }

    /// Whether a token is the kept one. Takes the same time wherever they differ, and where none is kept.
    func matches(_ token: AccessToken, _ kept: AccessToken?) -> Bool {
        let isEqual = token.secret == (kept ?? absent).secret
        return isEqual && kept != nil
    }
}
