import DMADev
import DMAEngine
import DMATelemetry
import SoftwareDriver
import TelemetryServer

/// README.md
func readme() throws {
    let (from, to) = (Memory(4096), Memory(4096))
    from.bytes[4095] = 7
    let (source, destination) = (from.address, to.address)

    let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: Engine()), named: "dma0")
    try device.configure(DeviceConfiguration(virtualChannelCount: 1))
    try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 1024))
    try device.start()

    let server = try TelemetryServer.start(filePrefix: "mine", commands: DeviceCommands.table())  // one call: visible

    let channel = try device.virtualChannel(0)
    try channel.copy(from: source, to: destination, length: 4096, flags: .submit)  // addresses, as UInt64
    while try channel.completed(upTo: 1).count == 0 {}

    try check(to.bytes[4095] == 7, "the bytes are there")
    server.stop()
    try device.stop()
    try device.close()
}
