import Foundation
import MetricsTestSupport
import TestSupport

/// A Prometheus that runs with the configuration and the rules of the package, and asks one dmascope.
final class LivePrometheus {
    /// What it answers to a query.
    struct Series: Decodable {
        let labels: [String: String]
        let value: Double

        enum CodingKeys: String, CodingKey { case metric, value }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            labels = try container.decode([String: String].self, forKey: .metric)
            var pair = try container.nestedUnkeyedContainer(forKey: .value)
            _ = try pair.decode(Double.self)
            value = Double(try pair.decode(String.self).replacing("Inf", with: "infinity")) ?? .nan
        }
    }

    private struct Answer: Decodable {
        let status: String
        let error: String?
        let data: Body?

        struct Body: Decodable { let result: [Series] }
    }

    private let program: RunningProgram
    private let port: Substring
    private let curl: String

    /// - Parameter target: HOST:PORT of dmascope, in the place of the usual one.
    init(scraping target: String, in directory: TemporaryDirectory) throws {
        let folder = directory.file("prometheus")
        try FileManager.default.copyItem(atPath: DashboardFolder.path("prometheus"), toPath: folder)
        let file = folder + "/prometheus.yml"
        let configuration = try DashboardFolder.text("prometheus/prometheus.yml")
        try configuration.replacing("127.0.0.1:9876", with: target).replacing(": 15s", with: ": 3s")
            .write(toFile: file, atomically: false, encoding: .utf8)
        curl = try requiredTool("curl", package: "curl")
        program = try RunningProgram(
            "/bin/sh",
            [
                "-c", "exec \"$@\" 2>&1", "sh", MetricsReaders.prometheus("prometheus"), "--config.file=\(file)",
                "--storage.tsdb.path=\(directory.file("data"))", "--web.listen-address=127.0.0.1:0",
            ])
        port = try program.waitForOutput {
            $0.firstMatch(of: #/msg="Listening on" address=127.0.0.1:([0-9]+)/#)?.1
        }
        try program.waitForOutput(containing: "Server is ready to receive web requests")
    }

    deinit {
        program.kill(SIGTERM)
        _ = try? program.wait()
    }

    /// What a query gives at this moment.
    ///
    /// - Throws: when Prometheus does not take the query.
    func ask(_ query: String) throws -> [Series] {
        let text = try outputOfProgram(
            curl,
            [
                "-sS", "--noproxy", "*", "--data-urlencode", "query=\(query)",
                "http://127.0.0.1:\(port)/api/v1/query",
            ])
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        guard let body = answer.data, answer.status == "success" else {
            throw TestSupportError("\(query): \(answer.error ?? text)")
        }
        return body.result
    }
}
