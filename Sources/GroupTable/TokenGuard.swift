internal import Crypto
internal import DMADev

/// Knows tokens without keeping them: of each it has an HMAC-SHA256 under a key that is made anew at each start and
/// never leaves the process. It prints, dumps and mirrors as nothing.
final class TokenGuard: CustomReflectable, CustomStringConvertible, Sendable {
    private let key = SymmetricKey(size: .bits256)
    /// What a token is compared with where there is none.
    private let nobodys: TokenMark

    init() {
        nobodys = TokenMark(HMAC<SHA256>.authenticationCode(for: [UInt8](repeating: 0, count: 32), using: key))
    }

    func mark(_ token: AccessToken) -> TokenMark {
        token.withUnsafeBytes { TokenMark(HMAC<SHA256>.authenticationCode(for: $0, using: key)) }
    }

    /// Whether a token is the marked one. The work is the same with no mark, and the comparison takes the same time
    /// wherever two marks differ.
    func isMarked(_ token: AccessToken, as mark: TokenMark?) -> Bool {
        let isEqual = token.withUnsafeBytes {
            HMAC<SHA256>.isValidAuthenticationCode((mark ?? nobodys).code, authenticating: $0, using: key)
        }
        return isEqual && mark != nil
    }

    var description: String { "token guard" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// What is kept of a token.
final class TokenMark: CustomReflectable, CustomStringConvertible, Sendable {
    fileprivate let code: HMAC<SHA256>.MAC

    fileprivate init(_ code: HMAC<SHA256>.MAC) {
        self.code = code
    }

    var description: String { "token mark" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
