import ArgumentParser
import CommandSupport
import MachineInventory

/// Where the dma-bufs of the machine are found.
struct InventoryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to look for processes.", valueName: "directory"))
    var procfs = "/proc"

    @Option(help: ArgumentHelp("Where to look for the kernel's lists.", valueName: "directory"))
    var sysfs = "/sys"

    func read() throws(Failure) -> DMABufferInventory {
        let inventory = DMABufferInventory.read(DMABufferInventory.Roots(proc: procfs, sys: sysfs))
        guard inventory.processes == .read else {
            throw Failure("cannot read \(procfs): mount procfs there, or name its directory with --procfs")
        }
        // In a procfs, this process at least is there.
        let isEmpty =
            inventory.processCount == 0 && inventory.deniedProcesses.isEmpty && inventory.truncatedProcesses.isEmpty
        guard !isEmpty || inventory.isOutOfTime else {
            throw Failure("there are no processes in \(procfs): name the directory of a procfs with --procfs")
        }
        return inventory
    }

    /// What could not be looked into, a line each.
    static func notes(on inventory: DMABufferInventory) -> [String] {
        var notes: [String] = []
        let denied = inventory.deniedProcesses.count
        if denied > 0 {
            notes.append(
                "cannot look into \(denied) \(denied == 1 ? "process" : "processes"), whose buffers may be missing: the "
                    + "right to trace them is needed, as root usually has it")
        }
        if let first = inventory.truncatedProcesses.first {
            let count = inventory.truncatedProcesses.count
            notes.append("left out a part of \(count) processes that have too many files; the first is \(first)")
        }
        if inventory.isOutOfTime { notes.append("left out processes: there was no time to look into all of them") }
        return notes
    }
}
