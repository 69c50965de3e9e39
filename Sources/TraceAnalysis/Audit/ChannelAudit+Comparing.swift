extension ChannelAudit {
    /// Adds the counts of a ring, and what is wrong with them.
    mutating func add(_ ring: TracedRing, _ account: RingAccount) {
        ringCount += 1
        submitted += account.submitted
        completed += account.completed
        errors += account.errors
        aborted += account.aborted
        bytes &+= account.bytes
        let hasCalls = ring.channel.hasCalls || ring.channel.hasBursts
        self.hasCalls = self.hasCalls || hasCalls
        hasEngine = hasEngine || ring.number != nil
        if account.unsized > 0 { hasAllBytes = false }
        if ring.number == nil, ring.channel.hasPolls {
            hasPolls = true
            completed += account.polled.completed
            errors += account.polled.errors
            bytes &+= account.polled.bytes
            if account.polled.unsized > 0 { hasAllBytes = false }
        }
        hasBeginning = hasBeginning && ring.hasBeginning

        noteGaps(ring)
        guard ring.hasBeginning else {
            return note(
                .inconclusive, "\(name(ring)): the trace has not its beginning: start the recording before the device")
        }
        if let counts = ring.finalCounts {
            compare(ring, account, counts)
        } else {
            lacksEnd = true
        }
        if hasCalls, ring.number != nil { compareCalls(ring, account) }
    }

    private func name(_ ring: TracedRing) -> String {
        ring.number.map { "ring \($0)" } ?? "start \(ringCount) of the device"
    }

    private mutating func noteGaps(_ ring: TracedRing) {
        let sequences: [(IndexSequence, String)] = [
            (ring.state.pointee.calls, "enqueue"), (ring.state.pointee.bursts, "burst"),
            (ring.state.pointee.starts, "operation_start"), (ring.state.pointee.finishes, "operation_finish"),
            (ring.state.pointee.publications, "completed_burst"), (ring.state.pointee.polls, "poll"),
        ]
        for (sequence, event) in sequences {
            guard let gap = sequence.firstGap else { continue }
            let more = sequence.gapCount > 1 ? ", and at \(sequence.gapCount - 1) further places" : ""
            note(
                .wrong,
                "\(name(ring)): \(event) events: operation \(gap.expected) was to follow, and operation \(gap.found) came"
                    + more)
        }
    }

    private mutating func compare(_ ring: TracedRing, _ account: RingAccount, _ counts: TracedRing.FinalCounts) {
        guard ring.state.pointee.finishes.isBegun || ring.state.pointee.publications.isBegun || counts.completed == 0
        else {
            return note(
                .inconclusive,
                "\(name(ring)): the ends of operations were not recorded: record dmadev_engine:completed_burst, or "
                    + "dmadev_engine:operation_finish")
        }
        func expect(_ events: UInt64, _ counter: UInt64, _ what: String) {
            guard events != counter else { return }
            note(.wrong, "\(name(ring)): \(what): \(events) in the events, \(counter) in the counter")
        }
        expect(account.completed, counts.completed, "completed")
        expect(account.errors, counts.errors, "errors")
        // The counter is of those that the end of the ring aborted, the last ones. A plan of faults gives this status to others.
        if ring.channel.driver != "fault" || account.lastAborted < counts.aborted {
            expect(account.aborted, counts.aborted, "aborted")
        }
        expect(account.completed, counts.latencies, "values of the latency histogram")
        if account.unsized == 0 { expect(account.bytes, counts.bytes, "bytes") }
    }

    /// Each call has its end, and each end its call.
    private mutating func compareCalls(_ ring: TracedRing, _ account: RingAccount) {
        let uncalled = account.uncalled
        if uncalled.count > 0 {
            let missing = "\(uncalled.count) ended without a doorbell, the first is operation \(uncalled.first)"
            // A process that is killed between its doorbell and the record of it has done the last operations.
            let isTail = uncalled.last == account.lastFinished && uncalled.count == uncalled.last - uncalled.first + 1
            if isTail, !ring.channel.isStopped, ring.engineProcess != ring.channel.process {
                note(
                    .inconclusive,
                    "\(name(ring)): \(missing): its process ended without a stop of the device, maybe in a call")
            } else {
                note(.wrong, "\(name(ring)): \(missing)")
            }
        }
        // Without final counts they can be in flight; and nothing serves a ring any more that was detached.
        guard account.unfinished.count > 0, let counts = ring.finalCounts,
            account.firstUnfinishedTime <= counts.time
        else { return }
        note(
            .wrong,
            "\(name(ring)): \(account.unfinished.count) rung and not ended, the first is operation "
                + "\(account.unfinished.first)")
    }
}
