import CommandSupport
import Glibc
import LinuxSystem
import WebServer

extension DoctorCheck {
    /// Whether `dmascope serve` can listen at its HTTP address.
    static let address = DoctorCheck(name: "HTTP address") { request in
        switch request.listen {
        case nil: [.init(.ok, "off")]
        case .unix(let path)?: [look(atUnix: path)]
        case .tcp(let host, let port)?: [look(at: host, port)]
        }
    }

    private static func look(atUnix path: String) -> DoctorFinding {
        do throws(SocketFile.Failure) {
            let isDead = try SocketFile.hasDeadSocket(path)
            return .init(.ok, isDead ? "\(path): dead, and replaced by the next server" : "\(path): free")
        } catch {
            return error.kind == .inUse
                ? .init(.warning, "\(path): in use", advice: "if that is not dmascope serve, choose another --listen")
                : .init(.problem, error.description, advice: "choose another --listen")
        }
    }

    private static func look(at host: String, _ port: Int) -> DoctorFinding {
        let place = "\(ListenAddress.tcp(host: host, port: port))"
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host == ListenAddress.everyHost ? nil : host, "\(port)", &hints, &list)
        guard result == 0, let first = list else {
            return .init(
                .problem, "\(place): \(String(cString: gai_strerror(result)))", advice: "choose another --listen")
        }
        defer { freeaddrinfo(list) }
        let raw = socket(first.pointee.ai_family, first.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return .init(.unknown, "\(place): \(String(cString: strerror(errno)))") }
        defer { close(raw) }
        var isOn: CInt = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size))
        // Two sockets may be bound like this; only one of them can listen.
        if bind(raw, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(raw, 1) == 0 {
            return .init(.ok, "\(place): free")
        }
        switch errno {
        case EADDRINUSE:
            return .init(
                .warning, "\(place): in use",
                advice: "if that is not dmascope serve (ss -ltnp 'sport = :\(port)'), choose another --listen")
        case let error:
            return .init(
                .problem, "\(place): \(String(cString: strerror(error)))",
                advice: error == EACCES ? "choose a port from 1024 on" : "choose an address of this machine")
        }
    }
}
