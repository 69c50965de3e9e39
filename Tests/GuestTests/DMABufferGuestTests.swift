import Foundation
import GuestMachine
import GuestTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Real dma-bufs of Debian's kernel, in a guest: made, shared between processes, copied by a device, found by the
/// inventory. All of it is traced.
///
/// One guest at a time: one of them measures times.
@Suite(.serialized, .enabled(if: Guest.unavailable == nil, "\(Guest.unavailable ?? "")"))
struct DMABufferGuestTests {
    @Test func everyKindOfBufferWorksIsTracedAndIsFound() throws {
        let (program, scope) = (try builtProduct("dma-buffers"), try builtProduct("dmascope"))
        let guest = try Guest()
        for path in [program, scope] { try guest.add(program: path) }
        try guest.addTracer()
        try guest.add(Self.capture, at: "/capture")
        let (output, outcome, files) = try guest.run(
            """
            export LTTNG_UST_REGISTER_TIMEOUT=-1
            lttng-sessiond --no-kernel --daemonize >/tmp/log 2>&1 || { cat /tmp/log; exit 2; }
            lttng create walk --output=/out/trace && lttng enable-event --userspace 'dmadev*' && lttng start || exit 3
            for kind in udmabuf heap memfd; do
                echo "walk $kind"
                \(program) walk $kind || exit 4
            done
            lttng destroy
            mkfifo /tmp/input
            \(program) hold </tmp/input >/tmp/holding & exec 3>/tmp/input
            until grep -q holding /tmp/holding; do sleep 0.1; done
            cp /tmp/holding /out
            \(scope) memory list --json >/out/list.json || exit 5
            \(scope) memory list >/out/list.txt || exit 5
            inode=$(sed -n '/ frame /s/^ *\\([0-9]*\\).*/\\1/p' /out/list.txt)
            \(scope) memory show $inode --json >/out/show.json || exit 6
            \(scope) memory show 4711 >/dev/null 2>&1 && exit 7
            start-stop-daemon -S -c nobody -x \(scope) -- memory list >/out/nobody.txt || exit 8
            sh /capture $(sed 's/holding//' /tmp/holding)
            exec 3>&-
            wait
            """)
        #expect(outcome.status == 0, "\(output)\n\(outcome)")
        for (kind, steps) in [("udmabuf", "\nshared pages"), ("heap", ""), ("memfd", "")] {
            #expect(
                output.contains(
                    "walk \(kind)\nmade\nrefused\nshared\ncopied\ncopied between regions\nattached and revoked\ncopied from a window\(steps)\ndone\n"
                ),
                "\(output)")
        }
        let trace = try Trace(in: [files.file("trace")])
        try expectCopies(3, in: trace)
        // The owners of the windows are other processes, which only this session records.
        let windows = try trace.events(named: "dmadev:access_group_window_register").map { try $0.fields()["ret"] }
        #expect(windows == [0, 0, 0])
        if let to = ProcessInfo.processInfo.environment["DMASCOPE_CAPTURE"] {
            try FileManager.default.copyItem(atPath: files.file("captured"), toPath: to)
        }
        try expectInventory(files)
    }

    /// See `Stall`.
    @Test func aFenceThatIsNotSignalledFailsTheOperationsOfOneTenantOnly() throws {
        let (program, scope) = (try builtProduct("dma-buffers"), try builtProduct("dmascope"))
        let guest = try Guest()
        for path in [program, scope] { try guest.add(program: path) }
        try guest.add(modules: ["drm", "drm_kms_helper", "drm_shmem_helper", "vgem/vgem"].map { "gpu/drm/" + $0 })
        let (output, outcome, _) = try guest.run(
            """
            for module in drm drm_kms_helper drm_shmem_helper vgem; do insmod /modules/$module.ko.xz || exit 2; done
            export LTTNG_UST_REGISTER_TIMEOUT=0
            \(program) stall \(scope)
            """)
        #expect(outcome.status == 0 && output.hasSuffix("\nstalled\n"), "\(output)\n\(outcome)")
    }

    /// What `dmascope memory` says while two processes have buffers: see `Hold`.
    private func expectInventory(_ files: TemporaryDirectory) throws {
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: files.file(name), encoding: .utf8)
        }
        let processes = try text("holding").split(whereSeparator: \.isWhitespace).dropFirst().compactMap { UInt64($0) }
        try #require(processes.count == 2)

        let list = try JSONValue(parsing: text("list.json")).tree
        #expect(list["complete"] == .integer(1) && list["denied_processes"] == .integer(0))
        #expect(list["debugfs"] == .string("read") && list["sysfs"] == .string("absent"))
        let buffers = try #require(list["buffers"]).elements
        #expect(buffers.count == 3 && list["count"] == .integer(3), "\(buffers)")
        // One whose name imitates more lines of the kernel's files is one.
        #expect(Set(buffers.map { $0["name"]?.string }) == ["frame", "texture", "x\n1\t2\t3\t4\tfake\t99\ty"])
        let frame = try #require(buffers.first { $0["name"]?.string == "frame" })
        #expect(frame["exporter"] == .string("udmabuf") && frame["size"] == .integer(65536))
        #expect(frame["holder_count"] == .integer(2))
        let texture = try #require(buffers.first { $0["name"]?.string == "texture" })
        #expect(texture["exporter"] == .string("system") && texture["size"] == .integer(65536))

        let shown = try JSONValue(parsing: text("show.json")).tree
        #expect(shown["inode"] == frame["inode"] && shown["attached"]?.elements.isEmpty == true)
        let holders = try #require(shown["holders"]).elements
        #expect(holders.map { $0["pid"]?.unsigned } == processes.sorted())
        #expect(holders.allSatisfy { $0["name"]?.string == "dma-buffers" && $0["uid"] == .integer(0) })
        #expect(holders.allSatisfy { $0["maps"] == .integer(1) && $0["mapped"] == .integer(65536) })

        let table = try text("list.txt").split(separator: "\n")
        #expect(table.count == 4)
        #expect(table[0].split(separator: " ") == ["INODE", "EXPORTER", "SIZE", "REFS", "NAME", "PROCESSES"])
        // Another user sees none, and that there may be some.
        let nobody = try text("nobody.txt").split(separator: "\n")
        #expect(nobody.count == 2 && nobody[1].hasPrefix("cannot look into "), "\(nobody)")
    }

    /// Copies the kernel's files about the given processes to `/out/captured`. `Tests/Fixtures/GuestProc` has such files:
    /// with a directory in `DMASCOPE_CAPTURE`, this test writes them there.
    private static let capture = """
        mkdir -p /out/captured/sys/kernel/debug/dma_buf
        cat /sys/kernel/debug/dma_buf/bufinfo >/out/captured/sys/kernel/debug/dma_buf/bufinfo
        for pid in 1 $*; do
            to=/out/captured/proc/$pid
            mkdir -p $to/fd $to/fdinfo
            for file in comm maps; do cat /proc/$pid/$file >$to/$file; done
            for fd in $(ls /proc/$pid/fd); do
                ln -s "$(readlink /proc/$pid/fd/$fd)" $to/fd/$fd
                cat /proc/$pid/fdinfo/$fd >$to/fdinfo/$fd
            done
        done
        """
}

/// The same steps on this machine, over sealed files in memory.
@Suite struct SealedFileTests {
    @Test func theSameStepsWorkOverSealedFiles() throws {
        let trace = try LTTngSession.record { session in
            let result = try session.run(builtProduct("dma-buffers"), ["walk", "memfd"])
            #expect(
                result.output
                    == "made\nrefused\nshared\ncopied\ncopied between regions\nattached and revoked\ncopied from a window\ndone\n"
            )
        }
        try expectCopies(1, in: trace)
    }
}

/// Expects the calls and operations of some walks.
private func expectCopies(_ count: Int, in trace: Trace) throws {
    #expect(trace.discardedCount == 0)
    // A device with SVA, one without, one with attachments, and one of a controller, which copies until the window's
    // owner is killed.
    for name in ["dmadev:configure", "dmadev:start", "dmadev:stop", "dmadev:close"] {
        #expect(trace.events(named: name).count == 4 * count, "\(name)")
    }
    let copies = trace.events(named: "dmadev:copy")
    for copy in copies {
        let fields = try copy.fields()
        guard case .integer(let index)? = fields["ret"], index >= 0, fields["length"] == 65536 else {
            Issue.record("\(copy)")
            break
        }
    }
    let calls = [
        ("extmem_register_dmabuf", 5), ("extmem_map", 3), ("extmem_unmap", 3), ("interconnect_attach", 2),
        ("interconnect_map", 2), ("interconnect_revoke", 1), ("interconnect_detach", 2),
    ]
    for (name, times) in calls {
        let returned = try trace.events(named: "dmadev:\(name)").map { try $0.fields()["ret"] }
        #expect(returned == Array(repeating: 0, count: times * count), "\(name)")
    }
    // Mapped, unregistered, not registered any more; then the other one. Attached, revoked; then the other one. Last, that
    // of the controller's device.
    let unregistered = try trace.events(named: "dmadev:extmem_unregister").map { try $0.fields()["ret"] }
    #expect(unregistered == Array(repeating: [-16, 0, -2, 0, -16, 0, 0, 0], count: count).flatMap { $0 })
    // Successful, aborted, and invalid destination address after the revocation. Of the controller's device, one at least
    // succeeds, and 101 at least come after the owner's end.
    let statuses = try trace.events(named: "dmadev_engine:operation_finish").map { try $0.fields()["status"] }
    #expect(statuses.count == copies.count && statuses.allSatisfy { $0 == 0 || $0 == 1 || $0 == 4 })
    #expect(statuses.count { $0 == 0 } >= 4 * count && statuses.count { $0 == 4 } == count)
    #expect(statuses.count { $0 == 1 } >= 101 * count)
}
