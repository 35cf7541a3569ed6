import Foundation
import Testing

@testable import ApiumRedis

@Suite("The table of keys")
struct KeyTableTests {
    @Test("knows every key of ours that docs/internals names")
    func documented() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/internals/redis-layout.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `apium:") && !$0.contains("| channel |") }
        let names = rows.flatMap { row in
            row.split(separator: "|")[0].matches(of: /`apium:([^`]+)`/).map { String($0.1) }
        }
        #expect(names.count > 25, "the search finds what it looks for")
        for name in names {
            let example = name.replacingOccurrences(of: "<inc>", with: "5b0a7a2e-1111-4222-8333-444455556666").replacingOccurrences(of: "<batch>", with: "7")
            #expect(KeyTable.rule(for: example) != nil, "apium:\(name) stands in docs/internals/redis-layout.md, and KeyTable.swift does not know it")
        }
        #expect(KeyTable.rule(for: "strange") == nil)
    }

    @Test("tells records of processes and batches apart")
    func kinds() {
        #expect(KeyTable.rule(for: "flight:a") == .flight("a"))
        #expect(KeyTable.rule(for: "flight:a:12") == .batch("a", 12))
        #expect(KeyTable.rule(for: "joins:a:12") == .marks("a", 12))
        #expect(KeyTable.rule(for: "flight:a:b") == nil)
        #expect(KeyTable.rule(for: "known:some:id") == .ends)
    }
}
