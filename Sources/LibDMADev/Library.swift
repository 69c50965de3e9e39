internal import CLibDMADev
internal import DMADev
internal import DeviceDrivers
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The devices and registrations of the process, made on the first call: never from a constructor of the library,
/// in which Swift must not run.
final class Library: Sendable {
    static let shared = Library()

    let registry = DeviceRegistry.shared
    private let state = Locked(State())
    let pools = PoolFunctions()
    let texts = ConstantTexts.shared
    /// The domain of callers that name none.
    let domain = DomainID.random()

    private struct State {
        var devices: [Int16: Entry] = [:]
        var buffers: [UInt: DeviceBuffer] = [:]
        var attachments: [UInt64: BufferAttachment] = [:]
    }

    private struct Entry {
        var device: DMADevice
        /// For `dev_name`.
        var name: UnsafeMutablePointer<CChar>
    }

    private init() {
        clibdmadev_stay()
        if let text = clibdmadev_environment("DMADEV_DEVICES") { makeDevices(String(cString: text)) }
        guard let name = clibdmadev_environment("DMADEV_TELEMETRY") else { return }
        do throws(DMAError) {
            try Telemetry.shared.start(name: String(cString: name), registry)
        } catch {
            clibdmadev_warn("no telemetry server: \(error.message): correct DMADEV_TELEMETRY")
        }
    }

    private func makeDevices(_ text: String) {
        let parts = text.split(separator: ";").map(String.init)
        do throws(DeviceSpecification.Failure) {
            var specifications: [DeviceSpecification] = []
            for part in parts { specifications.append(try DeviceSpecification(part)) }
            for device in try DeviceFactory.make(specifications, in: registry) { add(device) }
        } catch {
            clibdmadev_warn("no devices made: \(error): correct DMADEV_DEVICES")
        }
    }

    // MARK: Devices

    func create(_ text: String) throws(DMAError) -> DMADevice {
        do throws(DeviceSpecification.Failure) {
            let device = try DeviceFactory.make([try DeviceSpecification(text)], in: registry)[0]
            add(device)
            return device
        } catch {
            throw DMAError(.invalidArgument, error.errno, error.description)
        }
    }

    func setMaximumDeviceCount(_ count: Int) throws(DMAError) {
        // First the room: a device may be made as soon as the registry allows it.
        guard !(1...Int(Int16.max)).contains(count) || clibdmadev_reserve(UInt32(count)) else {
            throw DMAError(.exhausted, .noMemory, "not enough memory for \(count) devices")
        }
        try registry.setMaximumDeviceCount(count)
    }

    func device(_ id: Int16) throws(DMAError) -> DMADevice {
        // The registry's look-up is traced and recorded, and says what is wrong.
        guard let entry = state.withLock({ $0.devices[id] }) else { return try registry.device(id) }
        return entry.device
    }

    func device(named name: String) throws(DMAError) -> DMADevice { try registry.device(named: name) }

    func isValid(_ id: Int16) -> Bool { registry.isValid(id) }

    var count: Int { registry.count }

    func next(from id: Int16) -> Int16? { registry.next(from: id) }

    /// The name of a device for C, as long as it is not closed.
    func name(of device: DMADevice) -> UnsafePointer<CChar>? {
        state.withLock { $0.devices[device.id].map { UnsafePointer($0.name) } }
    }

    func start(_ device: DMADevice) throws(DMAError) {
        try device.start()
        clibdmadev_publish(device.id, device.callLayerArgument)
    }

    func close(_ device: DMADevice) throws(DMAError) {
        try device.close()
        state.withLock { state in
            // Its number may belong to a new device by now.
            guard let entry = state.devices[device.id], entry.device === device else { return }
            clibdmadev_withdraw(device.id)
            state.devices[device.id] = nil
            free(entry.name)
        }
    }

    func add(_ driver: any DMADriver, named name: String) throws(DMAError) -> DMADevice {
        let device = try registry.add(driver, named: name)
        add(device)
        return device
    }

    private func add(_ device: DMADevice) {
        state.withLock { state in
            // strdup only fails without memory, in which Swift ends too.
            let name = strdup(device.name).unsafelyUnwrapped
            if let old = state.devices.updateValue(Entry(device: device, name: name), forKey: device.id) {
                free(old.name)
            }
            clibdmadev_publish(device.id, device.callLayerArgument)
        }
    }

    // MARK: Buffers

    func makeBuffer(for device: DMADevice, byteCount: Int) throws(DMAError) -> UnsafeMutableRawPointer? {
        let buffer = try device.makeBuffer(byteCount: byteCount)
        let address = buffer.bytes.baseAddress
        state.withLock { $0.buffers[UInt(bitPattern: address)] = buffer }
        return address
    }

    func freeBuffer(_ address: UnsafeMutableRawPointer?) throws(DMAError) {
        // Released after the lock.
        let buffer = state.withLock { $0.buffers.removeValue(forKey: UInt(bitPattern: address)) }
        guard buffer != nil else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(hexadecimal(UInt64(UInt(bitPattern: address)))) is no address from dmadev_buffer_alloc()")
        }
    }
}

// MARK: Attachments

extension Library {
    func keep(_ attachment: BufferAttachment) -> UInt64 {
        state.withLock { $0.attachments[attachment.id] = attachment }
        return attachment.id
    }

    func attachment(_ id: UInt64) throws(DMAError) -> BufferAttachment {
        guard let found = state.withLock({ $0.attachments[id] }) else {
            throw DMAError(.notFound, .noSuchFileOrDirectory, "there is no attachment \(id)")
        }
        return found
    }

    func forget(_ id: UInt64) {
        _ = state.withLock { $0.attachments.removeValue(forKey: id) }
    }
}

func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

/// Texts that C callers may keep: each is copied once and never freed.
final class ConstantTexts: Sendable {
    static let shared = ConstantTexts()

    private let texts = Locked<[String: UnsafeMutablePointer<CChar>]>([:])

    func pointer(_ text: String) -> UnsafePointer<CChar>? {
        texts.withLock { texts in
            if let known = texts[text] { return UnsafePointer(known) }
            let copy = strdup(text)
            texts[text] = copy
            return UnsafePointer(copy)
        }
    }
}

/// How buffers return to the pools of C callers.
final class PoolFunctions: Sendable {
    private struct Function {
        var call: dmadev_pool_free_t
        var argument: UInt
    }

    private let function = Locked<Function?>(nil)

    var isSet: Bool { function.withLock { $0 != nil } }

    func set(_ call: dmadev_pool_free_t?, _ argument: UnsafeMutableRawPointer?) {
        function.withLock { function in
            function = call.map { Function(call: $0, argument: UInt(bitPattern: argument)) }
        }
    }

    func giveBack(_ address: UInt64, to pool: UInt) {
        guard let function = function.withLock({ $0 }) else { return }
        function.call(
            UnsafeMutableRawPointer(bitPattern: pool), address, UnsafeMutableRawPointer(bitPattern: function.argument))
    }
}

/// A pool of a C caller: a pointer that only its function understands.
final class CallerPool: BufferPool {
    private let pool: UInt

    var pointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: pool) }

    init(_ pool: UnsafeMutableRawPointer) {
        self.pool = UInt(bitPattern: pool)
    }

    func giveBack(_ address: UInt64) { Library.shared.pools.giveBack(address, to: pool) }
}
