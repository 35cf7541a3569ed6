import ApiumCore
import Foundation
import Testing

/// Keys and certificates that openssl makes for one test.
struct TestSigners {
    static let openssl = "/usr/bin/openssl"
    let folder: URL

    /// Makes the signers `anna` and `ben`; a store of both, and one of `anna` alone.
    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-signing-\(UUID().uuidString)")
        for name in ["", "both", "anna-alone"] {
            try FileManager.default.createDirectory(at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        try make("anna", subject: "/C=DE/O=Zürich & Söhne/CN=anna")
        try make("ben", subject: "/CN=ben")
        for (store, name) in [("both", "anna"), ("both", "ben"), ("anna-alone", "anna")] { try copy("\(name).crt", to: "\(store)/\(name).crt") }
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func copy(_ name: String, to other: String) throws { try FileManager.default.copyItem(atPath: path(name), toPath: path(other)) }

    func make(_ name: String, subject: String, key: String = "rsa:2048", days: Int = 2) throws {
        try run([
            "req", "-x509", "-utf8", "-newkey", key, "-nodes", "-days", "\(days)", "-subj", subject, "-keyout", path("\(name).key"), "-out",
            path("\(name).crt"),
        ])
    }

    /// A copy of a key that a password protects.
    func lock(_ name: String, password: String) throws {
        try run(["pkcs8", "-topk8", "-in", path("\(name).key"), "-passout", "pass:\(password)", "-v2", "aes-256-cbc", "-out", path("locked.key")])
    }

    /// What signs as one of them and takes what the store's signed.
    func options(_ name: String, store: String? = "both", digest: SigningOptions.Digest = .sha256) -> SigningOptions {
        SigningOptions(keyFile: path("\(name).key"), certificateFile: path("\(name).crt"), certificateStore: store.map(path), digest: digest)
    }

    func run(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.openssl)
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(words.joined(separator: " "))")
    }

    static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: openssl) }
}
