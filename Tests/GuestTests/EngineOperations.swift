import TestSupport
import Testing

/// The operations of the engines in a trace, by ring and ring index: what a trace of another operating system has in common
/// with it. The clocks of both are different.
struct EngineOperations {
    private struct Key: Hashable {
        let ring, index: TraceValue?
    }

    private struct Operation {
        let length: TraceValue?
        var status: TraceValue?
    }

    private var operations: [Key: Operation] = [:]
    private var rings: [[String: TraceValue]] = []

    init(_ trace: Trace) throws {
        rings = try trace.events(named: "dmadev_engine:ring_attach").map { try $0.fields() }
        for event in trace.events(named: "dmadev_engine:operation_start") {
            let fields = try event.fields()
            let key = Key(ring: fields["ring"], index: fields["ring_idx"])
            #expect(operations.updateValue(Operation(length: fields["length"]), forKey: key) == nil, "\(event)")
        }
        for event in trace.events(named: "dmadev_engine:operation_finish") {
            let fields = try event.fields()
            operations[Key(ring: fields["ring"], index: fields["ring_idx"])]?.status = fields["status"]
        }
    }

    /// A call to copy, and the ring that it is in.
    private struct Copy {
        let ring: TraceValue?
        let fields: [String: TraceValue]
        /// The statuses of the first poll that returned one.
        var statuses: TraceValue?

        var key: Key { Key(ring: ring, index: fields["ret"]) }
    }

    /// The accepted copies of an application in order, of which it had one at a time.
    private func copies(in trace: Trace) throws -> [Copy] {
        var rings: [[TraceValue?]: TraceValue] = [:]
        var copies: [Copy] = []
        for event in trace.events {
            let fields = try event.fields()
            let channel = [fields["dev_id"], fields["vchan"]]
            switch event.name {
            case "dmadev_engine:ring_mapped": rings[channel] = fields["ring"]
            case "dmadev:copy":
                guard case .integer(0...)? = fields["ret"] else { continue }
                copies.append(Copy(ring: rings[channel], fields: fields))
            case "dmadev:completed_status":
                guard fields["ret"] == 1, let last = copies.indices.last,
                    fields["last_idx"] == copies[last].fields["ret"]
                else { continue }
                copies[last].statuses = fields["statuses"]
            default: break
            }
        }
        return copies
    }

    /// Expects that each copy of an application on another operating system is an operation here with the same result, and
    /// that its rings have no others.
    func expectAll(of application: Trace) throws {
        #expect(application.discardedCount == 0)
        let copies = try copies(in: application)
        for copy in copies {
            let operation = try #require(operations[copy.key], "\(copy)")
            let status = try #require(operation.status)
            #expect(operation.length == copy.fields["length"] && copy.statuses == .sequence([status]), "\(copy)")
        }
        let rings = Set(copies.map(\.ring))
        #expect(!rings.isEmpty && operations.keys.count { rings.contains($0.ring) } == copies.count)
    }

    /// Follows the one transfer that is told by its length from the call to its end.
    func expectOne(of application: Trace, connection: UInt64) throws {
        let found = try copies(in: application).filter {
            $0.fields["length"] == .integer(Int128(GroupFlow.followedLength))
        }
        let copy = try #require(found.first)
        #expect(found.count == 1 && copy.statuses == [0])
        // Flag 6, with the handler of the source from bit 32 on, which is another member's.
        guard case .integer(let flags)? = copy.fields["flags"] else { throw TestSupportError("no flags: \(copy)") }
        #expect(flags & 1 << 6 != 0 && flags >> 32 & 0xFFFF != 0 && flags >> 48 == 0)
        let operation = try #require(operations[copy.key])
        #expect(operation.status == 0)
        // The engine attached this ring for the same channel of the application's device, over the guest's connection.
        let attached = rings.filter { $0["ring"] == copy.ring }
        #expect(attached.count == 1 && attached[0]["connection"] == .integer(Int128(connection)))
        #expect(["dev_id", "vchan"].allSatisfy { attached.first?[$0] == copy.fields[$0] })
    }
}
