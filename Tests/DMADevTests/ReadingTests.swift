import DMADev
import Testing

/// Statistics, status and dump, as the library makes them of what a driver says.
@Suite struct ReadingTests {
    let driver = RecordingDriver()

    private func count(_ vchan: UInt16, _ submitted: UInt64, _ completed: UInt64, _ errors: UInt64) {
        driver.change {
            $0.counters[vchan] = Statistics(submitted: submitted, completed: completed, errors: errors)
        }
    }

    @Test("Statistics are the driver's counters since the last reset, of one channel or of all")
    func statistics() throws {
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        count(0, 10, 8, 2)
        count(1, 5, 5, 0)
        #expect(try device.statistics(of: 0) == Statistics(submitted: 10, completed: 8, errors: 2))
        #expect(try device.statistics == Statistics(submitted: 15, completed: 13, errors: 2))
        try device.resetStatistics(of: 0)
        count(0, 12, 12, 3)
        #expect(try device.statistics(of: 0) == Statistics(submitted: 2, completed: 4, errors: 1))
        #expect(try device.statistics(of: 1) == Statistics(submitted: 5, completed: 5))
        try device.resetStatistics()
        #expect(try device.statistics == Statistics())
        count(1, 6, 6, 0)
        #expect(try device.statistics == Statistics(submitted: 1, completed: 1))
    }

    @Test("A reset holds over stops and new configurations")
    func baselines() throws {
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        count(0, 10, 10, 1)
        count(1, 20, 20, 2)
        try device.resetStatistics()
        try device.stop()
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        #expect(try device.statistics == Statistics())
        try device.begin(driver, channels: 3)
        count(1, 21, 21, 2)
        count(2, 7, 7, 0)
        #expect(try device.statistics(of: 1) == Statistics(submitted: 1, completed: 1))
        #expect(try device.statistics == Statistics(submitted: 8, completed: 8))
    }

    @Test("The status is the driver's")
    func status() throws {
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        for status in [VirtualChannelStatus.active, .haltedError, .idle] {
            driver.change { $0.status = status }
            #expect(try device.status(of: 1) == status)
        }
    }

    @Test("The dump tells all, in lines that people can read")
    func dump() throws {
        let device = try DMADevice.alone(driver)
        #expect(
            try device.dump() == """
                DMA Dev 0, 'alone' [stopped]
                  dev_capa: 0x700000001 - mem2mem copy copy_sg fill
                  max_vchans_supported: 3
                  nb_vchans_configured: 0
                  silent_mode: off
                  ops_mode: off
                  driver: recording

                """)
        try device.begin(driver)
        try device.stop()
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        try device.setUpVirtualChannel(1, configuration: VirtualChannelConfiguration(descriptorCount: 77))
        count(1, 5, 4, 3)
        driver.change {
            $0.ringUse = RingUse(empty: 1, pending: 2, running: 3, completed: 4, nextIndex: 5, lastIndex: 6)
        }
        #expect(
            try device.dump() == """
                DMA Dev 0, 'alone' [stopped]
                  dev_capa: 0x700000001 - mem2mem copy copy_sg fill
                  max_vchans_supported: 3
                  nb_vchans_configured: 2
                  silent_mode: off
                  ops_mode: off
                  driver: recording
                  vchan 0: not set up
                  vchan 1: mem2mem
                    nb_desc: 77
                    desc_empty_ring_count: 1
                    desc_pending_ring_count: 2
                    desc_running_ring_count: 3
                    desc_completed_ring_count: 4
                    next_ring_idx: 5
                    last_ring_idx: 6
                    submitted_count: 5
                    completed_count: 4
                    error_count: 3

                """)
    }

    @Test("A dump names the modes that are on")
    func modes() throws {
        let driver = RecordingDriver(.offering([.silent, .enqueueDequeue]))
        let device = try DMADevice.alone(driver)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1, flags: [.silent, .enqueueDequeue]))
        #expect(try device.dump().contains("silent_mode: on\n  ops_mode: on\n"))
    }
}
