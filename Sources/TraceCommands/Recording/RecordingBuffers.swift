import CommandSupport
import Glibc
import LinuxSystem

/// The sizes of a recording's buffers, which LTTng makes in `/dev/shm` for each processor and for each user with traced
/// processes.
struct RecordingBuffers {
    /// MiB of a sub-buffer for operations, and how many there are.
    let subBufferSize: Int
    let subBufferCount: Int
    /// Whether `/dev/shm` has no room for the largest.
    let isReduced: Bool
    private let processors = max(1, sysconf(CInt(_SC_NPROCESSORS_CONF)))

    /// Those of control calls: KiB, and how many.
    static let control = (size: 256, count: 4)

    /// Eight of 8 MiB have room for a million operations in bursts.
    private static let sizes = [(8, 8), (8, 4), (4, 4), (2, 4), (1, 4)]

    /// The largest that leave half of `/dev/shm` free.
    init() throws(Failure) {
        var status = statvfs()
        guard statvfs("/dev/shm", &status) == 0, access("/dev/shm", W_OK) == 0 else {
            throw Failure("cannot write to /dev/shm, where LTTng has its buffers: mount a tmpfs there")
        }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        let processors = self.processors
        let fitting = Self.sizes.firstIndex { Self.bytes($0.0, $0.1, processors) <= free / 2 }
        guard let fitting else {
            let least = Self.bytes(1, 4, processors)
            throw Failure(
                "/dev/shm is too small: \(Quantity.bytes(Double(free))) are free, and recording needs "
                    + "\(Quantity.bytes(Double(least * 2))): `mount -o remount,size=\((least * 4) >> 20)M /dev/shm`, or remove files there"
            )
        }
        (subBufferSize, subBufferCount) = Self.sizes[fitting]
        isReduced = fitting > 0
    }

    private static func bytes(_ size: Int, _ count: Int, _ processors: Int) -> Int {
        processors * ((size * count) << 20 + (control.size * control.count) << 10)
    }

    /// What they take for one user.
    var bytes: Int { Self.bytes(subBufferSize, subBufferCount, processors) }

    /// For people.
    var text: String {
        "\(subBufferCount) buffers of \(subBufferSize) MiB for each of \(processors) "
            + "processor\(processors == 1 ? "" : "s"), \(Quantity.bytes(Double(bytes))) of /dev/shm for each user"
            + (isReduced ? "; it has no room for larger ones" : "")
    }
}
