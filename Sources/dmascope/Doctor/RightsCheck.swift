import CommandSupport
import Glibc
import LinuxSystem

extension DoctorCheck {
    /// Who this user is to the servers.
    static let rights = DoctorCheck(name: "rights") { _ in
        let user = geteuid()
        var findings = [
            user == 0
                ? DoctorFinding(.ok, "\(UserName.text(user)): reads and controls the processes of every user")
                : DoctorFinding(
                    .ok,
                    "\(UserName.text(user)): reads and controls its own processes; others where a group has a right")
        ]
        let (name, group) = (RightsOptions.monitor, GroupName.number(RightsOptions.monitor))
        switch group {
        case nil:
            findings.append(
                .init(
                    .ok, "no group \(name): only this user and the superuser may read without --allow",
                    advice:
                        "to let others read: groupadd --system \(name), and dmascope serve --telemetry-group \(name)"))
        case let group?:
            let isMember = user == 0 || Groups.own.contains(group)
            findings.append(
                isMember
                    ? .init(.ok, "group \(name) (\(group)) exists, and this user can use it")
                    : .init(
                        .ok, "group \(name) (\(group)) exists, and this user is not in it",
                        advice: "to read what it may read: usermod -aG \(name) USER, and log in again"))
        }
        return findings
    }
}

/// The groups of this process.
enum Groups {
    /// The effective one and the supplementary ones.
    static var own: Set<UInt32> {
        var groups = [gid_t](repeating: 0, count: Int(getgroups(0, nil)) + 1)
        let count = getgroups(CInt(groups.count), &groups)
        return Set(groups.prefix(max(Int(count), 0)) + [getegid()])
    }
}
