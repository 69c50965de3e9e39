internal import DMAEngine
internal import Glibc
internal import GroupTable
package import LinuxSystem
internal import SystemPackage

/// How dma-bufs are recognised, and how accesses to them begin and end. Tests have their own.
package struct DMABufferCalls: Sendable {
    /// The dma-buf behind a descriptor of unknown kind, from an untrusted process.
    package var recognise: @Sendable (CInt) -> DMABuffer?
    /// Begins an access; it can wait for devices without a limit. Returns whether it has begun.
    package var begin: @Sendable (DMABuffer.Access, CInt) -> Bool
    /// Ends it.
    package var end: @Sendable (DMABuffer.Access, CInt) -> Void

    /// The system's.
    package init() {
        recognise = { (try? DMABuffer(of: $0)) ?? nil }
        begin = { (try? DMABuffer.beginAccess($0, to: $1)) != nil }
        end = { try? DMABuffer.endAccess($0, to: $1) }
    }
}

/// A dma-buf of an application, whose accesses begin and end on the tenant's own thread.
final class TenantBuffer: Sendable {
    private let descriptor: CInt
    private let tenant: Tenant
    private let blockingCalls: BlockingCalls

    private init(_ descriptor: consuming OwnedDescriptor, of tenant: Tenant, _ blockingCalls: BlockingCalls) {
        self.descriptor = descriptor.release()
        self.tenant = tenant
        self.blockingCalls = blockingCalls
    }

    /// On another thread: the last reference can be the engine's, and the exporter frees the memory.
    deinit {
        blockingCalls.close([descriptor], of: tenant, counts: false)
    }

    /// The memory of a dma-buf for an engine.
    static func memory(
        _ descriptor: consuming OwnedDescriptor, of tenant: Tenant, timeout: Duration, _ calls: DMABufferCalls,
        _ blockingCalls: BlockingCalls
    ) -> SynchronizedMemory {
        let buffer = TenantBuffer(descriptor, of: tenant, blockingCalls)
        @Sendable func access(_ isWrite: Bool) -> DMABuffer.Access { isWrite ? .write : .read }
        return SynchronizedMemory(
            timeout: timeout,
            calls: SynchronizedMemory.Calls(
                run: { blockingCalls.waitForPages(of: tenant, $0) },
                begin: { calls.begin(access($0), buffer.descriptor) },
                end: { calls.end(access($0), buffer.descriptor) }))
    }
}
