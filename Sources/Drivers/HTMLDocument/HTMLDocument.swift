import CLibXML2

/// A page as a tree, read tolerantly by libxml2: unclosed and misnested tags, bare ampersands and duplicate ids are no errors.
///
/// Nothing is loaded: no DTD, no entity, no network. Nesting ends at libxml2's 256 levels; what lies deeper is lost, what came
/// before is kept. A document belongs to the thread that works with it; ``HTMLReader`` provides threads.
public final class HTMLDocument {
    let pointer: xmlDocPtr
    let limits: HTMLLimits
    /// The charset that the page was decoded from, in lower case.
    public let charset: String

    private static let isLibraryReady: Void = xmlInitParser()

    /// Reads a page.
    /// - Parameters:
    ///   - bytes: The page as it came, decompressed.
    ///   - contentType: The value of the `Content-Type` header, for its charset.
    ///   - limits: What the page may cost.
    /// - Throws: ``HTMLError``.
    public init(parsing bytes: [UInt8], contentType: String? = nil, limits: HTMLLimits = HTMLLimits()) throws(HTMLError) {
        guard bytes.count <= limits.bytes else {
            throw HTMLError(.tooLarge, "the page has \(bytes.count) bytes; \(limits.bytes) are the most")
        }
        let decoded = PageText.decode(bytes, contentType: contentType)
        guard AttributeGuard.accepts(decoded.utf8, limit: limits.attributes) else {
            throw HTMLError(.tooComplex, "an element has more than \(limits.attributes) attributes")
        }
        _ = Self.isLibraryReady
        guard let document = Self.read(decoded.utf8) else { throw HTMLError(.empty, "the page holds no element") }
        pointer = document
        charset = decoded.charset
        self.limits = limits
    }

    deinit {
        xmlFreeDoc(pointer)
    }

    /// The outermost element.
    public var root: HTMLNode? {
        xmlDocGetRootElement(pointer).map { HTMLNode(document: self, pointer: $0) }
    }

    /// The elements that the expression selects, in document order.
    /// - Throws: ``HTMLError`` with code `badXPath`.
    public func nodes(_ xpath: String) throws(HTMLError) -> [HTMLNode] {
        try nodes(xpath, from: nil)
    }

    func nodes(_ xpath: String, from node: xmlNodePtr?) throws(HTMLError) -> [HTMLNode] {
        guard let context = xmlXPathNewContext(pointer) else { throw HTMLError(.system, "libxml2 has no memory for an XPath context") }
        defer { xmlXPathFreeContext(context) }
        cxml_xpath_be_quiet(context, UInt(limits.xpathSteps))
        if let node { context.pointee.node = node }
        guard let result = xmlXPathEvalExpression(xpath, context) else {
            throw HTMLError(.badXPath, "the expression '\(xpath)' is wrong, or takes more than \(limits.xpathSteps) steps on this page")
        }
        defer { xmlXPathFreeObject(result) }
        guard result.pointee.type == XPATH_NODESET else {
            throw HTMLError(.badXPath, "the expression '\(xpath)' selects no elements")
        }
        guard let set = result.pointee.nodesetval, set.pointee.nodeNr > 0, let table = set.pointee.nodeTab else { return [] }
        return (0..<Int(set.pointee.nodeNr)).compactMap { index in
            guard let node = table[index], node.pointee.type == XML_ELEMENT_NODE else { return nil }
            return HTMLNode(document: self, pointer: node)
        }
    }

    private static func read(_ utf8: [UInt8]) -> xmlDocPtr? {
        guard !utf8.isEmpty, utf8.count < Int(Int32.max), let context = htmlNewParserCtxt() else { return nil }
        defer { htmlFreeParserCtxt(context) }
        let options = [HTML_PARSE_RECOVER, HTML_PARSE_NOERROR, HTML_PARSE_NOWARNING, HTML_PARSE_NONET, HTML_PARSE_COMPACT, HTML_PARSE_IGNORE_ENC]
        let flags = options.reduce(into: UInt32(0)) { $0 |= $1.rawValue }
        let document = utf8.withUnsafeBytes { bytes in
            htmlCtxtReadMemory(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil, "UTF-8", Int32(flags))
        }
        guard let document, xmlDocGetRootElement(document) == nil else { return document }
        xmlFreeDoc(document)
        return nil
    }
}
