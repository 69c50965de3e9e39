import DomainBroker
import Glibc
import Logging

/// The broker of a guest on its own: `broker-host PATH MEMORY CHANNEL`. It says `ready`, what it has at each line on its
/// standard input, and ends when that does.
@main
struct BrokerHost {
    static func main() throws {
        let words = CommandLine.arguments
        let broker = try DomainBroker(
            path: words[1], place: BrokerPlace(memory: words[2], channel: words[3]),
            logger: Logger(label: "broker") { _ in SwiftLogNoOpLogHandler() })
        say("ready")
        while readLine() != nil {
            let now = broker.statistics
            say("\(now.domain ?? "-") \(now.connections) \(now.allocatedByteCount)")
        }
        broker.stop()
    }

    private static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}
