import DynamicJSON
import Testing

@testable import PriceWatchAPI

@Suite("The OpenAPI document")
struct DescriptionTests {
    private let api = Bench().api

    @Test("refers to nothing that is missing, and names every operation once")
    func isWhole() throws {
        let description = Description(api.openAPI)
        #expect(api.openAPI["openapi"] == "3.1.0")
        let references = description.references()
        #expect(!references.isEmpty)
        for reference in references { #expect(description.resolve(reference) != nil, "\(reference)") }
        let ids = api.responder.table.operations.map(\.description.id)
        #expect(Set(ids).count == ids.count)
    }

    @Test("has every route of the table with all its parameters, and path parameters in both places")
    func isTheTable() throws {
        let paths = try #require(api.openAPI["paths"]?.objectValue)
        for operation in api.responder.table.operations.map(\.description) {
            let item = try #require(paths[operation.path.text]?[operation.method.rawValue.lowercased()])
            let places = operation.path.text.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
            let described = (item["parameters"]?.arrayValue ?? []).filter { $0["in"] == "path" }.compactMap { $0["name"]?.stringValue }
            #expect(places == described, "\(operation.id)")
            for status in ["400", "405", "500"] { #expect(item["responses"]?[status] != nil, "\(operation.id) \(status)") }
            if operation.scopes != nil {
                for status in ["401", "403", "429", "503"] { #expect(item["responses"]?[status] != nil, "\(operation.id) \(status)") }
            }
        }
    }

    @Test("a text's pattern means what the check means")
    func patterns() throws {
        let samples = ["", "a", "A9_.:-", "-a", ".", "a b", "a\u{0}", "\u{1F}", "\u{7F}", "\u{80}", "жук", "a\nb", "pricewatch.add_product", "é"]
        for alphabet in StringRule.Alphabet.allCases {
            guard let pattern = alphabet.pattern else { continue }
            let expression = try Regex(pattern).matchingSemantics(.unicodeScalar)
            for sample in samples { #expect((sample.wholeMatch(of: expression) != nil) == alphabet.admits(sample), "\(alphabet) \(sample.debugDescription)") }
        }
    }
}

@Suite("Schemas check values")
struct SchemaTests {
    private let schema = Schema.object([
        .required("id", .id), .optional("name", .text(1...5)), .optional("kind", .choice(["a", "b"])), .optional("list", .array(.boolean, count: 0...2)),
        .optional("amount", .number(0...10)), .optional("none", .nullable(.boolean)),
    ])

    private func fault(_ value: JSONValue) -> String? {
        do {
            _ = try schema.check(value)
            return nil
        } catch {
            return error.path
        }
    }

    @Test("a fault names its field, wherever it is")
    func faults() {
        #expect(fault(["id": 1, "name": "abcde", "kind": "b", "list": [true], "amount": 3, "none": nil]) == nil)
        #expect(fault([]) == "")
        #expect(fault([:]) == "id")
        #expect(fault(["id": 0]) == "id")
        #expect(fault(["id": "1"]) == "id")
        #expect(fault(["id": 1.5]) == "id")
        #expect(fault(["id": nil]) == "id")
        #expect(fault(["id": 1, "is_admin": true]) == "is_admin")
        #expect(fault(["id": 1, "name": ""]) == "name")
        #expect(fault(["id": 1, "name": "abcdef"]) == "name")
        #expect(fault(["id": 1, "name": "a\u{0}"]) == "name")
        #expect(fault(["id": 1, "kind": "c"]) == "kind")
        #expect(fault(["id": 1, "list": [true, 1]]) == "list[1]")
        #expect(fault(["id": 1, "list": [true, true, true]]) == "list")
        #expect(fault(["id": 1, "amount": 10.5]) == "amount")
        #expect(fault(["id": 1, "none": 0]) == "none")
    }

    @Test("lengths count Unicode scalars, and a whole number may be written with a point")
    func details() throws {
        #expect(fault(["id": 1, "name": "👨‍👩‍👧"]) == nil)
        #expect(fault(["id": 1, "name": "👨‍👩‍👧x"]) == "name")
        #expect(try schema.check(["id": 3.0])["id"] == 3)
        #expect(fault(["id": 1e300]) == "id")
    }

    @Test("a parameter's number has one spelling")
    func numbers() {
        #expect(Schema.id.parse("7") == 7)
        for text in ["+7", "07", " 7", "7.0", "", "seven", "99999999999999999999"] { #expect(Schema.id.parse(text) == nil, "\(text)") }
        #expect(Schema.chatID.parse("-100") == -100)
    }
}
