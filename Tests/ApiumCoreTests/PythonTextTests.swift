import ApiumCore
import DynamicJSON
import Testing

@Suite("Python's text form of values")
struct PythonTextTests {
    @Test(
        "values look as in Python",
        arguments: [
            ([], "[]"), ([nil, true, false, -1, 1.0, 0.1], "[None, True, False, -1, 1.0, 0.1]"), (["it's"], #"["it's"]"#),
            (["say \"it's\""], #"['say "it\'s"']"#),
            (["a\\b\n\t\r\u{1}\u{7f}\u{a0}\u{200b}\u{E0001}é😀"], #"['a\\b\n\t\r\x01\x7f\xa0\u200b\U000e0001é😀']"#),
            ([["b": [1], "a": nil]], "[{'a': None, 'b': [1]}]"),
            ([1e16, 1e-5, 1e22], "[1e+16, 1e-05, 1e+22]"),
        ] as [([JSONValue], String)])
    func text(values: [JSONValue], text: String) {
        #expect(PythonText.list(values) == text)
    }

    @Test("a dictionary's keys are sorted")
    func dictionary() {
        #expect(PythonText.dictionary(["b": 1, "a": "x"]) == "{'a': 'x', 'b': 1}")
    }

    @Test("a long text is cut at 1024 characters, one that just fits is not")
    func cut() {
        let fitting = PythonText.list([.string(String(repeating: "x", count: 1020))])
        #expect(fitting.count == 1024 && fitting.hasSuffix("x']"))
        let long = PythonText.list([.string(String(repeating: "x", count: 1021))])
        #expect(long.count == 1024 && long.hasSuffix("x..."))
        #expect(PythonText.list(Array(repeating: 7, count: 1_000_000)).count == 1024)
    }
}
