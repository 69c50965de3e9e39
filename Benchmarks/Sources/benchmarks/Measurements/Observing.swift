/// What `dmascope observe` costs an application of DPDK: the same program with and without the observer, in turn, with a
/// driver that does the work of a driver, and with one that does the least that is possible. No event is recorded.
func measureObserving(_ session: Session) throws {
    let setting = session.setting
    for driver in DPDKPeer.TestDriver.allCases {
        let peers: [(name: String, peer: DPDKPeer)]
        do throws(Failure) {
            peers = [
                ("unobserved", try DPDKPeer(with: driver, isObserved: false, setting)),
                ("observed", try DPDKPeer(with: driver, isObserved: true, setting)),
            ]
        } catch {
            session.skip(driver.rawValue, error.description)
            continue
        }
        defer { for peer in peers { peer.peer.program.end() } }
        for burst in [32, 1] {
            try session.inTurn(
                "\(driver.rawValue)-\(burst)", unit: "ns/op", rounds: 3 * setting.rounds,
                peers.map { name, peer in
                    Session.Subject(name) { try peer.request("burst \(burst) \(setting.roundSeconds / 10)")[0] }
                })
        }
    }
}
