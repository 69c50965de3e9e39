internal import MachineInventory
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/dmabufs[,FIRST[,COUNT]]`: the dma-bufs of the machine, by inode number, as far as this process may look.
    static func machineBuffers(_ reader: InventoryReader) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/dmabufs",
            help: "Returns the dma-bufs of this machine. Parameters: int first (Optional), int count (Optional, 256)",
            parameters: [
                TelemetryParameter("first", "how many to leave out", isOptional: true),
                TelemetryParameter("count", "how many, up to 256", isOptional: true),
            ]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let first: UInt32 = try numbers.nextIfPresent("first", in: 0...UInt32.max) ?? 0
            let count: UInt32 = try numbers.nextIfPresent("count", in: 0...256) ?? 256
            let answer = try latest(reader)
            var reply = answer.inventory.json(Int(first)..<Int(first) + Int(count))
            reply.set("age_ns", answer.ageNanoseconds)
            return reply
        }
    }

    /// The last inventory of the machine. A reading that takes longer than a few milliseconds goes on after the reply.
    static func latest(_ reader: InventoryReader) throws(TelemetryCommandError) -> InventoryReader.Answer {
        guard let answer = reader.latest(waitingAtMost: .milliseconds(10)) else {
            throw TelemetryCommandError("the processes of the machine are still being read: ask again in a second")
        }
        return answer
    }
}
