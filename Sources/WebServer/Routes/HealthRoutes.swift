import HTTPTypes
import HummingbirdCore

extension HTTPRoute {
    /// `GET /healthz`: status 200 while the server answers. `GET /readyz`: 200 when the service can be used, else 503 with
    /// the reason.
    ///
    /// - Parameter obstacle: why the service cannot be used; `nil`: it can. Called on the server's thread: it must not
    ///   block.
    public static func health(obstacle: @escaping @Sendable () -> String?) -> [HTTPRoute] {
        [
            HTTPRoute("/healthz", "whether the server answers") { _, _ in .text(.ok, "ok\n") },
            HTTPRoute("/readyz", "whether the service can be used") { _, _ in
                obstacle().map { .text(.serviceUnavailable, "\($0)\n") } ?? .text(.ok, "ok\n")
            },
        ]
    }
}
