import Glibc
import TelemetryWire

extension DoctorCheck {
    /// The oldest kernel that is tested: that of Debian 12.
    private static let oldestKernel = (6, 1)

    static let versions = DoctorCheck(name: "versions") { _ in
        var name = utsname()
        guard uname(&name) == 0 else { return [.init(.unknown, "\(DmascopeVersion.text); uname fails")] }
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let seen = "\(DmascopeVersion.text), Linux \(release)"
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return [.init(.unknown, seen)] }
        return [
            (numbers[0], numbers[1]) < oldestKernel
                ? .init(
                    .warning, seen,
                    advice: "use Linux \(oldestKernel.0).\(oldestKernel.1) or later: older ones are not tested")
                : .init(.ok, seen)
        ]
    }
}
