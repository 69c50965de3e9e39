import CPeers

/// What a measurement measures with: rounds in turn, the probe, and where results go.
struct Session {
    let setting: Setting
    let results: Results
    private let name: String

    init(_ setting: Setting, _ results: Results, _ name: String) {
        self.setting = setting
        self.results = results
        self.name = name
    }

    /// Something that is measured beside others: one round gives a value for each of its names.
    struct Subject {
        let names: [String]
        /// Where they are not those of the scene.
        var units: [String]?
        let round: () throws -> [Double]

        init(_ name: String, _ round: @escaping () throws -> Double) {
            names = [name]
            self.round = { [try round()] }
        }

        init(_ names: [String], _ round: @escaping () throws -> [Double]) {
            self.names = names
            self.round = round
        }
    }

    /// Runs the subjects in turn, so many rounds. Their results are named `measurement/scene/name`.
    func inTurn(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        show(scene, unit, subjects, try values(of: subjects, rounds ?? setting.rounds))
    }

    /// The same with the calling thread on its processor, and the probe before and after; again when the processors did
    /// not stay near or far.
    func dataPath(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        var before = try Regime.probe(setting)
        for attempt in 1...3 {
            let values = try setting.pinned { try self.values(of: subjects, rounds ?? setting.rounds) }
            let after = try Regime.probe(setting)
            let seen = Regime.Seen(before: before, after: after)
            before = after
            guard seen.isSteady || attempt == 3 || setting.isQuick else { continue }
            show(scene, unit, subjects, values)
            return results.note(seen, at: "\(name)/\(scene)")
        }
    }

    /// By subject and name, one value a round.
    private func values(of subjects: [Subject], _ rounds: Int) throws -> [[[Double]]] {
        var values = subjects.map { $0.names.map { _ in [Double]() } }
        for _ in 0..<rounds {
            for (index, subject) in subjects.enumerated() {
                try Interruption.check()
                for (place, value) in try subject.round().enumerated() { values[index][place].append(value) }
            }
        }
        return values
    }

    private func show(_ scene: String, _ unit: String, _ subjects: [Subject], _ values: [[[Double]]]) {
        for (subject, values) in zip(subjects, values) {
            for (place, name) in subject.names.enumerated() {
                record(scene, name, subject.units?[place] ?? unit, values[place])
            }
        }
    }

    /// Records values that were measured otherwise.
    func record(_ scene: String, _ name: String, _ unit: String, _ values: [Double]) {
        results.add(Series("\(self.name)/\(scene)/\(name)", unit, values))
    }

    /// Says why a part is not measured.
    func skip(_ what: String, _ reason: String) {
        results.skip("\(name)/\(what)", reason)
    }

    /// DPDK's skeleton; without it the part is skipped with the reason.
    func dpdk(_ part: String) -> DPDKPeer? {
        switch setting.dpdk {
        case .success(let peer): return peer
        case .failure(let reason):
            skip(part, reason.description)
            return nil
        }
    }
}
