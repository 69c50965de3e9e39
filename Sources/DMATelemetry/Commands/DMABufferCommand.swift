internal import MachineInventory
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/dmabuf,INODE`: one dma-buf of the machine, with the processes that have it.
    static func machineBuffer(_ reader: InventoryReader) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/dmabuf",
            help: "Returns a dma-buf of this machine, with its holders. Parameters: int inode",
            parameters: [TelemetryParameter("inode", "the inode number, from /dmadev/dmabufs")]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let inode: UInt64 = try numbers.next("inode", in: 0...UInt64.max)
            let answer = try latest(reader)
            guard var reply = answer.inventory.json(ofBuffer: inode, holderLimit: 512) else {
                throw TelemetryCommandError("no dma-buf with the inode number \(inode) was found")
            }
            reply.set("age_ns", answer.ageNanoseconds)
            return reply
        }
    }
}
