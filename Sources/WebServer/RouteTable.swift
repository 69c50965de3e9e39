import HTTPTypes
import HummingbirdCore
import LinuxSystem
import Logging
import MetricsExporter

/// Finds the route of a request and answers it.
struct RouteTable: Sendable {
    private let routes: [String: HTTPRoute]
    private let rules: RequestRules
    private let statistics: WebStatistics

    /// - Parameter statistics: counts the requests to the routes, not those to other paths, which have no bound.
    init(_ routes: [HTTPRoute], rules: RequestRules, statistics: WebStatistics) {
        self.routes = Dictionary(routes.map { ($0.path, $0) }) { first, _ in first }
        self.rules = rules
        self.statistics = statistics
    }

    /// The response to a request: for HEAD, without a body. An error of a handler gives status 500.
    func response(to request: Request, _ logger: Logger) async -> Response {
        var response = await answer(request, logger)
        if request.method == .head { response = response.createHeadResponse() }
        response.headers.setDate()
        return response
    }

    private func answer(_ request: Request, _ logger: Logger) async -> Response {
        if let refusal = rules.refusal(of: request) { return refusal }
        // As many slashes as one likes, also at the end.
        let path = "/" + request.uri.path.split(separator: "/").joined(separator: "/")
        guard let route = routes[path] else { return .text(.notFound, "there is nothing at this path\n") }
        let start = MonotonicTime.now
        var status = HTTPResponse.Status.internalServerError
        defer {
            statistics.count(path: path, status: status.code, nanoseconds: MonotonicTime.now.nanoseconds(since: start))
        }
        do {
            let response = try await route.handler(request, logger)
            status = response.status
            return response
        } catch {
            logger.debug("no answer", metadata: ["path": "\(path)", "error": "\(error)"])
            return Response(status: status)
        }
    }
}
