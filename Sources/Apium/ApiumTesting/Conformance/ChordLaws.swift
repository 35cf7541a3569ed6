import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let chordLaws: [Law] = [
        Law("documents are read in the order of their ids, missing ones too") { try await $0.documentsComeInOrder() },
        Law("a saved group is read as it was saved") { try await $0.groupsAreSaved() },
        Law("the last part of a chord claims its join, and no other does") { try await $0.theLastPartClaims() },
        Law("a part that comes twice is counted once") { try await $0.partsAreCountedOnce() },
        Law("of many last parts at once, one claims the join") { try await $0.oneOfManyClaims() },
        Law("parts stand in the order of the header, failed ones too, those without a place last") { try await $0.partsStandInOrder() },
        Law("two entries of a header may be one job with one result") { try await $0.oneJobMayStandTwice() },
        Law("a chord waits for parts that are added to it") { try await $0.chordsGrow() },
        Law("a call that is repeated with its token gets the same claim, another one none") { try await $0.claimsAreRepeated() },
        Law("a part that comes after the end changes nothing") { try await $0.lateParts() },
        Law("a chord that was joined or given up begins anew when it is opened again") { try await $0.chordsBeginAnew() },
        Law("a chord under way that is opened again goes on with the parts it has") { try await $0.chordsUnderWayGoOn() },
        Law("a join is taken up by its claimer, or by anybody when the claim has run out, and never after the end") { try await $0.joinsAreResumed() },
        Law("only the claimer ends a join") { try await $0.onlyTheClaimerCloses() },
        Law("a chord that is given up keeps its parts, and nothing completes it") { try await $0.abandonedChordsKeepTheirParts() },
        Law("a header that holds groups gives its saved group with its parts") { try await $0.contentHasTheSavedGroup() },
        Law("any text may be a group's name, an id, or a result") { try await $0.anyTextIsAPart() },
    ]
}

extension Scene {
    /// A part that ended well.
    func part(_ id: String, _ index: Int?, of group: String, _ value: JSONValue = true, token: String? = nil) -> ChordPart {
        ChordPart(group: group, id: id, index: index, state: .success, result: value, token: token ?? "token of \(id)")
    }

    /// A claim by that part.
    func claim(of part: ChordPart) -> ChordClaim { ChordClaim(group: part.group, token: part.token) }

    func documentsComeInOrder() async throws {
        try await results.store(success("a", 1))
        try await results.store(failure("c"))
        let documents = try await results.documents(for: ["c", "b", "a", "c"])
        try expect(documents.map { $0?.id } == ["c", nil, "a", "c"], "the documents are those of \(documents.map { $0?.id })")
        try expect(documents[2]?.result == 1, "the document of a is \(String(describing: documents[2]))")
        let none = try await results.documents(for: [])
        try expect(none.isEmpty, "no ids have \(none.count) documents")
    }

    func groupsAreSaved() async throws {
        let before = try await results.savedGroup("g")
        try expect(before == nil, "a group that was not saved is \(String(describing: before))")
        let tuple: JSONValue = [["g", nil], [[["a", nil], nil], [["b", [["parent", nil], nil]], nil]]]
        try await results.saveGroup("g", tuple)
        let saved = try await results.savedGroup("g")
        try expect(saved == tuple, "the saved group is read as \(String(describing: saved))")
    }

    func theLastPartClaims() async throws {
        try await results.open([ChordSetup(group: "g", size: 3), ChordSetup(group: "other", size: 1)])
        var claims = try await results.bring([part("b", 1, of: "g")])
        claims += try await results.bring([part("a", 0, of: "g")])
        try expect(claims.isEmpty, "two of three parts claimed \(claims)")
        let last = part("c", 2, of: "g")
        claims = try await results.bring([part("x", 0, of: "unopened"), last, part("o", 0, of: "other")])
        try expect(claims == [claim(of: last), ChordClaim(group: "other", token: "token of o")], "the last parts claimed \(claims)")
    }

    func partsAreCountedOnce() async throws {
        try await results.open([ChordSetup(group: "g", size: 2)])
        for run in 0..<3 {
            let claims = try await results.bring([part("a", 0, of: "g", .int(Int64(run)), token: "run \(run)")])
            try expect(claims.isEmpty, "one of two parts, brought again, claimed \(claims)")
        }
        let last = part("b", 1, of: "g")
        let claims = try await results.bring([last])
        try expect(claims == [claim(of: last)], "the last part claimed \(claims)")
        let content = try await results.content(of: "g").parts
        try expect(content.map(\.id) == ["a", "b"], "the parts are \(content.map(\.id))")
    }

    func oneOfManyClaims() async throws {
        let results = results
        for round in 0..<10 {
            let group = "g\(round)"
            try await results.open([ChordSetup(group: group, size: 8)])
            let parts = (0..<8).map { (index: Int) in part(String(index), index, of: group) }
            let claims = try await withThrowingTaskGroup(of: [ChordClaim].self) { tasks in
                // Each comes twice, as from a run that was given up and its successor.
                for part in parts + parts.map({ self.part($0.id, $0.index, of: group, token: "again \($0.id)") }) {
                    tasks.addTask { try await results.bring([part]) }
                }
                return try await tasks.reduce(into: []) { $0 += $1 }
            }
            try expect(claims.count == 1, "sixteen calls for eight parts made \(claims.count) claims")
        }
    }

    func partsStandInOrder() async throws {
        try await results.open([ChordSetup(group: "g", size: 12)])
        let error = JobFailure(type: "ValueError", arguments: ["no"]).value
        _ = try await results.bring([
            ChordPart(group: "g", id: "last", index: nil, state: .success, result: "x"),
            ChordPart(group: "g", id: "p1", index: 1, state: .failure, result: error),
            ChordPart(group: "g", id: "p0", index: 0, state: .revoked, result: error),
        ])
        for index in (2...10).reversed() { _ = try await results.bring([part("p\(index)", index, of: "g", .int(Int64(index)))]) }
        let content = try await results.content(of: "g")
        let expected: [ChordContent.Part] =
            [ChordContent.Part(id: "p0", state: .revoked, result: error), ChordContent.Part(id: "p1", state: .failure, result: error)]
            + (2...10).map { ChordContent.Part(id: "p\($0)", state: .success, result: .int($0)) }
            + [ChordContent.Part(id: "last", state: .success, result: "x")]
        try expect(content == ChordContent(parts: expected), "the content is \(content)")
    }

    func oneJobMayStandTwice() async throws {
        try await results.open([ChordSetup(group: "g", size: 2)])
        let claims = try await results.bring([part("a", 0, of: "g", 7), part("a", 1, of: "g", 7)])
        try expect(claims.map(\.group) == ["g"], "two entries of one job claimed \(claims)")
        let values = try await results.content(of: "g").parts.map(\.result)
        try expect(values == [7, 7], "the values are \(values)")
    }

    func chordsGrow() async throws {
        try await results.open([ChordSetup(group: "g", size: 1)])
        try await results.expectMore(1, partsOf: "g")
        try await results.expectMore(2, partsOf: "g")
        let claims = try await results.bring([part("a", 0, of: "g"), part("b", 0, of: "g"), part("c", 0, of: "g")])
        try expect(claims.isEmpty, "three of four parts claimed \(claims)")
        let last = part("d", nil, of: "g")
        let end = try await results.bring([last])
        try expect(end == [claim(of: last)], "the last part claimed \(end)")
    }

    func claimsAreRepeated() async throws {
        try await results.open([ChordSetup(group: "g", size: 1)])
        let run = part("a", 0, of: "g", token: "this")
        for _ in 0..<3 {
            let claims = try await results.bring([run])
            try expect(claims == [claim(of: run)], "a repeated call was answered \(claims)")
        }
        let other = try await results.bring([part("a", 0, of: "g", token: "that")])
        try expect(other.isEmpty, "another run claimed \(other)")
    }

    func lateParts() async throws {
        try await results.open([ChordSetup(group: "g", size: 1)])
        let run = part("a", 0, of: "g")
        _ = try await results.bring([run])
        try expect(try await results.close(claim(of: run)), "the join was not ended by its claimer")
        for late in [run, part("a", 0, of: "g", token: "another"), part("b", 1, of: "g")] {
            let claims = try await results.bring([late])
            try expect(claims.isEmpty, "a late part claimed \(claims)")
        }
        try expect(try await !results.close(claim(of: run)), "a join was ended twice")
        try expect(try await !results.resume(claim(of: run)), "a join was taken up after its end")
    }

    func chordsBeginAnew() async throws {
        for round in 0..<3 {
            try await results.open([ChordSetup(group: "g", size: 2)])
            let first = try await results.bring([part("a", 0, of: "g", .int(Int64(round)))])
            try expect(first.isEmpty, "in round \(round) one of two parts claimed \(first)")
            let last = part("b", 1, of: "g", token: "round \(round)")
            let claims = try await results.bring([last])
            try expect(claims == [claim(of: last)], "in round \(round) the last part claimed \(claims)")
            let values = try await results.content(of: "g").parts.map(\.result)
            try expect(values == [.int(Int64(round)), true], "in round \(round) the values are \(values)")
            if round == 0 {
                try expect(try await results.close(claim(of: last)), "the join was not ended by its claimer")
            } else {
                try await results.abandon("g")
            }
        }
    }

    func chordsUnderWayGoOn() async throws {
        try await results.open([ChordSetup(group: "g", size: 3)])
        _ = try await results.bring([part("a", 0, of: "g", 1)])
        try await results.expectMore(1, partsOf: "g")
        try await results.open([ChordSetup(group: "g", size: 3)])
        let early = try await results.bring([part("b", 1, of: "g", 2), part("a", 0, of: "g", 7), part("c", 2, of: "g", 3)])
        try expect(early.isEmpty, "three of four parts claimed \(early)")
        let last = part("d", 3, of: "g", 4)
        let claims = try await results.bring([last])
        try expect(claims == [claim(of: last)], "the last part claimed \(claims)")
        try await results.open([ChordSetup(group: "g", size: 3)])
        try expect(try await results.close(claim(of: last)), "a chord that was opened again took its join away")
    }

    func joinsAreResumed() async throws {
        try await results.open([ChordSetup(group: "g", size: 2)])
        try expect(try await !results.resume(ChordClaim(group: "g", token: "early")), "the join of an unfinished chord was taken up")
        let last = part("b", 1, of: "g")
        _ = try await results.bring([part("a", 0, of: "g"), last])
        try expect(try await results.resume(claim(of: last)), "the claimer could not take its join up")
        let other = ChordClaim(group: "g", token: "other")
        try expect(try await !results.resume(other), "a claim that holds was taken away")
        try await world.outlastClaims("g")
        try expect(try await results.resume(other), "a claim that had run out was not taken over")
        try expect(try await !results.resume(claim(of: last)), "two hold one claim")
        try expect(try await results.close(other), "the new claimer could not end the join")
        try expect(try await !results.resume(other), "a join was taken up after its end")
        try expect(try await !results.resume(ChordClaim(group: "unknown", token: "x")), "the join of an unknown chord was taken up")
    }

    func onlyTheClaimerCloses() async throws {
        try await results.open([ChordSetup(group: "g", size: 1)])
        let run = part("a", 0, of: "g")
        try expect(try await !results.close(claim(of: run)), "the join of an unfinished chord was ended")
        _ = try await results.bring([run])
        try expect(try await !results.close(ChordClaim(group: "g", token: "other")), "the join was ended by somebody else")
        try await world.outlastClaims("g")
        try expect(try await results.close(claim(of: run)), "a claimer that nobody followed could not end its join")
        let content = try await results.content(of: "g")
        try expect(content.parts.isEmpty, "after the end there are \(content.parts.count) parts")
    }

    func abandonedChordsKeepTheirParts() async throws {
        try await results.open([ChordSetup(group: "g", size: 1)])
        let run = part("a", 0, of: "g", "value")
        _ = try await results.bring([run])
        try await results.abandon("g")
        try await world.outlastClaims("g")
        let claims = try await results.bring([run, part("b", 1, of: "g")])
        try expect(claims.isEmpty, "a part of an abandoned chord claimed \(claims)")
        try expect(try await !results.resume(claim(of: run)), "the join of an abandoned chord was taken up")
        let kept = try await results.content(of: "g").parts.first
        try expect(kept == ChordContent.Part(id: "a", state: .success, result: "value"), "the part is \(String(describing: kept))")
    }

    func contentHasTheSavedGroup() async throws {
        let tuple: JSONValue = [["g", nil], [[["inner", nil], [[["a", nil], nil]]]]]
        try await results.open([ChordSetup(group: "g", size: 1, savedGroup: tuple)])
        _ = try await results.bring([part("a", 0, of: "g")])
        let content = try await results.content(of: "g")
        try expect(content.savedGroup == tuple, "the saved group is \(String(describing: content.savedGroup))")
        let saved = try await results.savedGroup("g")
        try expect(saved == tuple, "read by itself it is \(String(describing: saved))")
    }

    func anyTextIsAPart() async throws {
        let text = "\u{0}\" [1, \\ \n день \u{1F347}"
        try await results.open([ChordSetup(group: text, size: 1)])
        let odd = part(text, 0, of: text, .object(["день": [.string(text), nil, 1.5, .int(.max)]]), token: text)
        let claims = try await results.bring([odd])
        try expect(claims == [claim(of: odd)], "the part claimed \(claims)")
        let content = try await results.content(of: text)
        try expect(content.parts == [ChordContent.Part(id: text, state: .success, result: odd.result)], "the content is \(content)")
        try expect(try await results.close(claim(of: odd)), "the join was not ended by its claimer")
    }
}
