import ApiumCore
import Testing

@Suite("Job ids")
struct JobIDTests {
    @Test("an id is a version 4 UUID in lower case")
    func form() throws {
        let pattern = try Regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
        for _ in 0..<600 {
            let id = JobID.make()
            #expect(id.wholeMatch(of: pattern) != nil, "\(id)")
        }
    }

    @Test("ids made by many tasks at once are all different")
    func unique() async {
        let ids = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2000).map { _ in JobID.make() } } }
            return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 16_000)
    }

    @Test("all 122 random bits vary")
    func bits() {
        let ids = (0..<400).map { _ in Array(JobID.make().utf8) }
        for position in 0..<36 where ![8, 13, 14, 18, 23].contains(position) {
            #expect(Set(ids.map { $0[position] }).count == (position == 19 ? 4 : 16))
        }
    }
}
