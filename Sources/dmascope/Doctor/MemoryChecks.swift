import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

extension DoctorCheck {
    /// The buffers of LTTng's channels: 4 of 512 KiB on each processor unless it is told otherwise, and 8 of 8 MiB for the
    /// channel that the README makes for busy devices.
    private static let (defaultBuffers, busyBuffers) = (UInt64(2) << 20, UInt64(64) << 20)

    /// Where LTTng has its buffers.
    static let sharedMemory = DoctorCheck(name: "/dev/shm") { _ in
        var status = statvfs()
        guard statvfs("/dev/shm", &status) == 0 else {
            return [
                .init(
                    .problem, "/dev/shm: \(String(cString: strerror(errno)))",
                    advice: "mount -t tmpfs tmpfs /dev/shm: LTTng has its buffers there")
            ]
        }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        let processors = UInt64(max(sysconf(CInt(_SC_NPROCESSORS_CONF)), 1))
        let seen = "\(Quantity.bytes(Double(free))) free, for buffers of LTTng on \(processors) processors"
        guard access("/dev/shm", W_OK | X_OK) == 0 else {
            return [.init(.problem, "\(seen); this user cannot write there", advice: "chmod 1777 /dev/shm")]
        }
        if free < defaultBuffers * processors {
            return [
                .init(
                    .problem, "\(seen); a channel needs \(Quantity.bytes(Double(defaultBuffers * processors)))",
                    advice: "mount -o remount,size=1G /dev/shm, docker run --shm-size 1g, or smaller --subbuf-size")
            ]
        }
        if free < busyBuffers * processors {
            return [
                .init(
                    .warning,
                    "\(seen); a channel for a busy device needs \(Quantity.bytes(Double(busyBuffers * processors)))",
                    advice: "mount -o remount,size=1G /dev/shm, docker run --shm-size 1g, or smaller --subbuf-size")
            ]
        }
        return [.init(.ok, seen)]
    }

    /// Pages for buffers of applications.
    static let hugePages = DoctorCheck(name: "huge pages") { _ in
        guard let bytes = try? ProcFile.bytes("/proc/meminfo", atMost: 1 << 16) else {
            return [.init(.unknown, "/proc/meminfo cannot be read")]
        }
        func value(_ key: String) -> UInt64? {
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key + ":") }
                .flatMap { UInt64($0.dropFirst(key.count + 1).filter(\.isNumber)) }
        }
        guard let total = value("HugePages_Total"), let free = value("HugePages_Free"),
            let size = value("Hugepagesize")
        else { return [.init(.unknown, "the kernel has no huge pages")] }
        let seen = "\(free) of \(total) free, \(Quantity.bytes(Double(size << 10))) each"
        if total == 0 {
            return [
                .init(
                    .ok, "none reserved: buffers have small pages, and DPDK applications need --no-huge",
                    advice: "to use them: sysctl vm.nr_hugepages=128")
            ]
        }
        return [free == 0 ? .init(.warning, seen, advice: "sysctl vm.nr_hugepages=\(total * 2)") : .init(.ok, seen)]
    }

    /// How the controller keeps from paying for holes in the memory of applications.
    static let missingPages = DoctorCheck(name: "userfaultfd") { _ in
        do throws(Errno) {
            _ = try MissingPages()
            return [.init(.ok, "permitted: the controller takes memory with holes")]
        } catch {
            return [
                .init(
                    .warning, "\(error): the controller takes only memory that has all its pages",
                    advice: "nothing for dmascope's own library; else permit the call userfaultfd (seccomp profile)")
            ]
        }
    }
}
