import DMADev
import DMAEngine
import DMATelemetry
import SoftwareDriver
import TelemetryServer

let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: Engine()), named: "dma0")
try device.configure(DeviceConfiguration(virtualChannelCount: 1))
try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 1024))
try device.start()

let server = try TelemetryServer.start(filePrefix: "mine", commands: DeviceCommands.table())  // one call: visible

let source = try device.makeBuffer(byteCount: 4096)
let destination = try device.makeBuffer(byteCount: 4096)
source.bytes.storeBytes(of: 7, toByteOffset: 4095, as: UInt8.self)

let channel = try device.virtualChannel(0)
try channel.copy(from: source, to: destination, flags: .submit)
while try channel.completed(upTo: 1).count == 0 {}  // polls

try channel.copy(from: source.address, to: destination.address, length: 4096, flags: .submit)
_ = try await channel.nextCompleted(upTo: 1)  // waits, without polling

server.stop()
try device.stop()
try device.close()
