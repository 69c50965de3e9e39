import CommandSupport
import Glibc
import LinuxSystem

extension DoctorCheck {
    /// What `serve` needs at least, what the telemetry server and the controller need for all their clients, and the memory
    /// for tokens.
    private static let (leastDescriptors, manyDescriptors, lockedBytes) = (UInt64(64), UInt64(8192), UInt64(24) << 10)

    /// The limits of this process, which its children have, too.
    static let limits = DoctorCheck(name: "limits") { _ in
        let (soft, hard) = (DescriptorLimit.current, DescriptorLimit.maximum)
        let descriptors = "\(soft) open files, raised up to \(hard)"
        let files: DoctorFinding =
            if hard < leastDescriptors {
                .init(
                    .problem, "\(descriptors): serve needs \(leastDescriptors)",
                    advice: "ulimit -n 8192, or LimitNOFILE= of the unit")
            } else if hard < manyDescriptors {
                .init(
                    .warning, "\(descriptors): clients beyond that are refused",
                    advice: "ulimit -n 8192, or LimitNOFILE= of the unit")
            } else {
                .init(.ok, descriptors)
            }
        return [files, lockedMemory]
    }

    private static var lockedMemory: DoctorFinding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else {
            return .init(.unknown, "the limit of locked memory cannot be read")
        }
        let isUnlimited = limit.rlim_cur == rlim_t.max
        let seen = "\(isUnlimited ? "any" : Quantity.bytes(Double(limit.rlim_cur))) locked memory"
        guard isUnlimited || UInt64(limit.rlim_cur) >= lockedBytes || geteuid() == 0 else {
            return .init(
                .problem, "\(seen): the controller needs \(Quantity.bytes(Double(lockedBytes))) for tokens",
                advice: "ulimit -l 64, LimitMEMLOCK= of the unit, or serve --no-controller")
        }
        return .init(.ok, seen)
    }
}
