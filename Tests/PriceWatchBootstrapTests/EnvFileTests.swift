import Testing

@testable import PriceWatchBootstrap

@Suite(".env files")
struct EnvFileTests {
    @Test("comments, blanks, export and both kinds of quotes")
    func forms() throws {
        let text = """
            # a comment
            A=1
              export B = two words  # a comment
            C='single # $HOME \\n'
            D="double # \\"quoted\\" \\n\\t\\$x \\\\ \\q" # a comment
            E=
            F=a#b
            G="over
            two lines"
            H=${A}
            I=x=y
            J=#secret
            K= # a comment

            """
        let values = try EnvFile.parse("\u{FEFF}" + text.replacing("\n", with: "\r\n"))
        #expect(values["A"] == "1")
        #expect(values["B"] == "two words")
        #expect(values["C"] == "single # $HOME \\n")
        #expect(values["D"] == "double # \"quoted\" \n\t$x \\ \\q")
        #expect(values["E"] == "")
        #expect(values["F"] == "a#b")
        #expect(values["G"] == "over\ntwo lines")
        #expect(values["H"] == "${A}", "nothing is interpolated")
        #expect(values["I"] == "x=y")
        #expect(values["J"] == "#secret", "a comment stands behind a blank")
        #expect(values["K"] == "")
        #expect(values.count == 11)
    }

    @Test("every bad line is reported by number, and no value is shown")
    func faults() throws {
        let text = "A=1\nhunter2\n1X=hunter2\nB 'hunter2'\nC='hunter2' hunter2\nD=\"hunter2\nE=2\n"
        let error = #expect(throws: SettingsError.self) { try EnvFile.parse(text) }
        let faults = try #require(error).faults
        #expect(faults.map { $0.prefix(while: { $0 != ":" }) } == [".env, line 2", ".env, line 3", ".env, line 4", ".env, line 5", ".env, line 6"])
        #expect(!faults.dropFirst().joined().contains("hunter2"))
    }

    @Test("the last of two equal names wins")
    func last() throws {
        #expect(try EnvFile.parse("A=1\nA=2") == ["A": "2"])
    }
}
