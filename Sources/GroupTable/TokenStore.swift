internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The tokens of one table: all in one separate mapping, each until its last reference is released.
final class TokenStore: Sendable {
    private let memory: SecretMemory
    /// Random bytes that a token is compared with when there is no group.
    private let absent: AccessToken

    /// - Parameter capacity: the highest number of tokens that are kept at a time.
    init(capacity: Int) throws(Errno) {
        memory = try SecretMemory(capacity: capacity + 1, secretByteCount: AccessToken.byteCount)
        // The memory is still empty.
        guard let absent = memory.keep(.random(byteCount: AccessToken.byteCount)) else { throw .noMemory }
        self.absent = AccessToken(absent)
    }

    /// Stores a copy of a token; returns `nil` when the memory is full.
    func keep(_ token: AccessToken) -> AccessToken? { memory.keep(token.secret).map(AccessToken.init) }

    /// Whether a token equals the stored one. The time does not depend on where they differ, or whether one is stored.
    func matches(_ token: AccessToken, _ kept: AccessToken?) -> Bool {
        let isEqual = token.secret == (kept ?? absent).secret
        return isEqual && kept != nil
    }
}
