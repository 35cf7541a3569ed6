import Foundation

/// The bytes of sent files, the oldest dropped when they take too much memory together.
struct FileShelf: Sendable {
    static let maximumBytes = 128 * 1024 * 1024

    private var files: [String: (file: StoredFile, bytes: Data)] = [:]
    private var order: [String] = []
    private var total = 0
    private var counter = 0

    /// What is on the shelf, the oldest first.
    var all: [StoredFile] { order.compactMap { files[$0]?.file } }

    mutating func store(_ bytes: Data, name: String, contentType: String, width: Int? = nil, height: Int? = nil) -> StoredFile {
        counter += 1
        let id = "file-\(counter)-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
        let file = StoredFile(id: id, name: name, contentType: contentType, size: bytes.count, width: width, height: height)
        put(file, bytes)
        return file
    }

    /// A file that was stored by an earlier run.
    mutating func restore(_ file: StoredFile, _ bytes: Data) {
        counter += 1
        put(file, bytes)
    }

    private mutating func put(_ file: StoredFile, _ bytes: Data) {
        files[file.id] = (file, bytes)
        order.append(file.id)
        total += bytes.count
        while total > Self.maximumBytes, order.count > 1 {
            total -= files.removeValue(forKey: order.removeFirst())?.bytes.count ?? 0
        }
    }

    func file(_ id: String) -> (file: StoredFile, bytes: Data)? { files[id] }
}
