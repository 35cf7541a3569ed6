import DynamicJSON

/// The product objects within a page's schema.org data, and what references lead to.
struct SchemaGraph {
    /// More objects than this are not looked at.
    static let mostNodes = 20_000

    /// What may be read of it.
    let budget = SchemaBudget()
    private(set) var products: [SchemaNode] = []
    /// Objects with name and offers whose type is none that is known to be a product.
    private(set) var others: [SchemaNode] = []
    private var byID: [String: SchemaNode] = [:]
    private var visited = 0

    init(_ roots: [JSONValue]) {
        for root in roots { index(root) }
        visited = 0
        for root in roots { collect(root) }
        // The same object is often given twice, once in full and once by reference.
        products.removeAll { $0.reference != nil }
    }

    /// The object that a value is or refers to.
    func node(_ value: JSONValue) -> SchemaNode? {
        if case .string(let text) = value { return byID[text] }
        guard let node = SchemaNode(value) else { return nil }
        return node.reference.flatMap { byID[$0] } ?? node
    }

    private mutating func index(_ value: JSONValue) {
        visited += 1
        guard visited < Self.mostNodes else { return }
        switch value {
        case .array(let values): for value in values { index(value) }
        case .object(let object):
            if object.count > 1, let id = object["@id"]?.stringValue, byID[id] == nil { byID[id] = SchemaNode(value) }
            for value in object.values { index(value) }
        default: break
        }
    }

    private mutating func collect(_ value: JSONValue) {
        visited += 1
        guard visited < Self.mostNodes else { return }
        if case .array(let values) = value {
            for value in values { collect(value) }
            return
        }
        guard let node = SchemaNode(value) else { return }
        if !node.types.isDisjoint(with: Self.productTypes) {
            products.append(node)
            return
        }
        if node["offers"] != nil, node["name"] != nil, node.types.isDisjoint(with: Self.neverProducts) { others.append(node) }
        for key in node.keys where !Self.unrelated.contains(key) {
            if let member = node[key] { collect(member) }
        }
    }

    private static let productTypes: Set<String> = [
        "product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle", "car", "motorcycle", "book", "audiobook",
        "softwareapplication", "mobileapplication", "webapplication", "videogame", "dietarysupplement", "drug",
    ]
    private static let neverProducts: Set<String> = [
        "organization", "store", "localbusiness", "event", "webpage", "website", "itemlist", "offercatalog", "service", "hotel", "course", "collectionpage",
    ]
    /// Members that lead to other products than the page's.
    private static let unrelated: Set<String> = [
        "isrelatedto", "issimilarto", "isaccessoryorsparepartfor", "isconsumablefor", "review", "reviews", "aggregaterating", "brand", "breadcrumb",
        "relatedlink", "recommendations", "publisher", "author", "seller",
    ]
}
