import Testing
@testable import ApiumCore

@Test func placeholder() { #expect(Bool(true)) }
