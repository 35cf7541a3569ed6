import ApiumCore
import DynamicJSON
import Foundation
import Testing

@testable import ApiumSigning

@Suite("Signed bodies", .enabled(if: TestSigners.isAvailable), .timeLimit(.minutes(1)))
struct SignedContentTests {
    private let value: JSONValue = [[1, "ü", ["__type__": "decimal", "__value__": "1.10"]], ["a": nil], [:]]

    private func withSigners(_ body: (TestSigners) throws -> Void) throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        try body(signers)
    }

    private func refusal(_ serializer: Serializer, _ bytes: [UInt8]) -> ApiumError? {
        #expect(throws: ApiumError.self) { _ = try serializer.decode(bytes) }
    }

    @Test("what one signs the other reads, with every digest; and each signature has a salt of its own", arguments: SigningOptions.Digest.allCases)
    func roundTrip(digest: SigningOptions.Digest) throws {
        try withSigners { signers in
            let (anna, ben) = (try Serializer.auth(signers.options("anna", digest: digest)), try Serializer.auth(signers.options("ben", digest: digest)))
            #expect(try ben.decode(try anna.encode(value)) == value)
            #expect(try anna.decode(try ben.encode(value)) == value)
            #expect(try anna.encode(value) != anna.encode(value))
            #expect(anna.name == "auth" && anna.contentType == "application/data" && anna.contentEncoding == "utf-8")
        }
    }

    @Test("a body that was changed after it was signed is refused, wherever it was changed")
    func tampered() throws {
        try withSigners { signers in
            let anna = try Serializer.auth(signers.options("anna"))
            let signed = try SignedContent(decoding: try anna.encode(value))
            var changed = signed
            changed.body = JSONValue.array(["evil"]).encoded()
            #expect(refusal(anna, changed.encoded())?.code == .badSignature)
            for place in [0, 100, 255] {
                changed = signed
                changed.signature[place] ^= 1
                #expect(refusal(anna, changed.encoded())?.code == .badSignature, "\(place)")
            }
            changed = signed
            changed.signer = try SignedContent(decoding: Serializer.auth(signers.options("ben")).encode(value)).signer
            let error = try #require(refusal(anna, changed.encoded()))
            #expect(error.code == .badSignature && error.message.contains("is not of this body"))
            for signature in [[], [UInt8](repeating: 0, count: 256), [UInt8](repeating: 0xFF, count: 256), [UInt8](repeating: 0, count: 255) + [1]] {
                changed = signed
                changed.signature = signature
                #expect(refusal(anna, changed.encoded())?.code == .badSignature)
            }
        }
    }

    @Test("what is inside is read as JSON alone, whatever the type says, which nobody signs")
    func innerType() throws {
        try withSigners { signers in
            let anna = try Serializer.auth(signers.options("anna"))
            var content = try SignedContent(decoding: try anna.encode(value))
            content.contentType = "application/x-python-serialize"
            #expect(refusal(anna, content.encoded())?.code == .refusedContent)
            content.contentType = "application/json"
            content.contentEncoding = "binary"
            #expect(refusal(anna, content.encoded())?.code == .refusedContent)
        }
    }

    @Test("a signer whose certificate is not in the store is refused by name")
    func unknownSigner() throws {
        try withSigners { signers in
            let ben = try Serializer.auth(signers.options("ben"))
            let error = try #require(refusal(try Serializer.auth(signers.options("anna", store: "anna-alone")), try ben.encode(value)))
            #expect(error.code == .badSignature && error.message.contains("'ben ") && error.message.contains("not in security_cert_store"))
        }
    }

    @Test("a signer whose certificate has ended is refused, with the day")
    func ended() throws {
        try withSigners { signers in
            let pem = try String(contentsOfFile: signers.path("anna.crt"), encoding: .utf8)
            let certificate = try SignerCertificate(pem: pem)
            let content = try SignedContent(decoding: Serializer.auth(signers.options("anna")).encode(value))
            try CertificateStore([certificate]).verify(content, .sha256)
            for (days, isRefused) in [(1.9, false), (2.1, true)] {
                let store = CertificateStore([certificate], now: { Date(timeIntervalSinceNow: days * 86_400) })
                let error = (try? store.verify(content, .sha256)) == nil
                #expect(error == isRefused)
            }
            let late = CertificateStore([certificate], now: { .distantFuture })
            let error = #expect(throws: ApiumError.self) { try late.verify(content, .sha256) }
            #expect(error?.message.contains("ended on") == true)
        }
    }

    @Test("another digest than the reader's is refused")
    func otherDigest() throws {
        try withSigners { signers in
            let signed = try Serializer.auth(signers.options("anna", digest: .sha512)).encode(value)
            let error = try #require(refusal(try Serializer.auth(signers.options("anna")), signed))
            #expect(error.code == .badSignature && error.message.contains("sha256"))
        }
    }

    @Test("bytes that are no signed body are refused as such", arguments: ["", "!", "e30=", "AAE=", "AAEAAQABAAE=", "QUFBQQABQUFBQQABeAABeAAB"])
    func damaged(_ text: String) throws {
        try withSigners { signers in
            let anna = try Serializer.auth(signers.options("anna"))
            #expect(refusal(anna, Array(text.utf8))?.code == .badSignature)
        }
    }

    @Test("a body may hold the separator")
    func separator() throws {
        let content = SignedContent(signer: "a b 1", signature: [1, 2, 3], body: [0, 1, 0, 1, 7])
        let read = try SignedContent(decoding: content.encoded())
        #expect(read.body == content.body && read.signature == content.signature && read.signer == content.signer)
    }

    @Test("with a store alone a program verifies, with a key alone it signs; what it lacks is said")
    func halves() throws {
        try withSigners { signers in
            let signing = try Serializer.auth(signers.options("anna", store: nil))
            let reading = try Serializer.auth(SigningOptions(certificateStore: signers.path("both")))
            #expect(try reading.decode(try signing.encode(value)) == value)
            #expect(refusal(signing, try signing.encode(value))?.message.contains("security_cert_store") == true)
            let error = #expect(throws: ApiumError.self) { _ = try reading.encode(value) }
            #expect(error?.message.contains("security_key") == true)
        }
    }
}

@Suite("Numbers under signatures")
struct NumberTests {
    @Test("powers of small numbers are right, also where the modulus has more bits than a limb", arguments: [(UInt64(3), UInt64(7), UInt64(1_000_003))])
    func power(_ base: UInt64, _ exponent: UInt64, _ modulus: UInt64) throws {
        func bytes(_ number: UInt64, _ count: Int) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0.suffix(count)) } }
        let power = try #require(PublicPower(modulus: bytes(modulus, 3), exponent: bytes(exponent, 1)))
        let expected = (0..<exponent).reduce(UInt64(1)) { product, _ in product * base % modulus }
        #expect(power(bytes(base, 3)) == bytes(expected, 3))
        #expect(power(bytes(modulus, 3)) == nil && power(bytes(base, 2)) == nil)
        // 2^128 modulo 2^127 - 1 is 2; 2^129 is 4.
        let mersenne = try #require(PublicPower(modulus: [0x7F] + [UInt8](repeating: 0xFF, count: 15), exponent: [129]))
        #expect(mersenne([UInt8](repeating: 0, count: 15) + [2]) == [UInt8](repeating: 0, count: 15) + [4])
    }

    @Test("a modulus or exponent that no key has is refused")
    func refused() {
        #expect(PublicPower(modulus: [4], exponent: [3]) == nil)
        #expect(PublicPower(modulus: [], exponent: [3]) == nil)
        #expect(PublicPower(modulus: [5], exponent: [1]) == nil)
        #expect(PublicPower(modulus: [5], exponent: [2]) == nil)
        #expect(PublicPower(modulus: [5], exponent: [UInt8](repeating: 1, count: 9)) == nil)
    }

    @Test(
        "serial numbers are written in decimal",
        arguments: [
            ([], "0"), ([0], "0"), ([0, 255], "255"), ([1, 0, 0, 0, 0, 0, 0, 0, 0], "18446744073709551616"), ([0x3B, 0x9A, 0xCA, 0x00], "1000000000"),
        ])
    func decimal(_ bytes: [UInt8], _ text: String) {
        #expect(DecimalNumber.text(bytes) == text)
    }
}
