import HTTPTypes
import HummingbirdCore

/// What every request must meet, whatever its path.
struct RequestRules {
    /// The field `Allow` of a response with status 405, and its text.
    static let allowed = "GET, HEAD"
    static let methods = "the methods are GET and HEAD\n"

    let hosts: HostRule

    /// The response to a request that breaks a rule; `nil`: it breaks none.
    func refusal(of request: Request) -> Response? {
        guard hosts.allows(request.head.authority) else {
            return .text(
                .misdirectedRequest,
                "use an IP address, as http://127.0.0.1:9876/, the name of this machine, or a name given with "
                    + "--allow-host: any web site could make another name resolve to this machine\n")
        }
        guard request.method == .get || request.method == .head else {
            var response = Response.text(.methodNotAllowed, Self.methods)
            response.headers[.allow] = Self.allowed
            return response
        }
        return nil
    }
}
