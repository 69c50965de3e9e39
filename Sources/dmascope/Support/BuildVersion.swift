import CBuildInfo
import TelemetryWire

/// What `dmascope --version` prints: `dmascope 0.1.0 (commit e902bc0, modified)`.
enum BuildVersion {
    static let text = "\(DmascopeVersion.text) (\(String(cString: build_info_commit())))"
}
